"""What a request works with: the Runtime that the door was given, and ways to open the database."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from flask import current_app, request
from sqlalchemy.orm import Session

from newsletter.runtime import Runtime


class Crank(Protocol):
    """Asks the workers to deliver at once; never fails."""

    def turn(self) -> None:
        """Deliver what a person waits for."""


@dataclass(frozen=True, slots=True)
class State:
    """Kept in `app.extensions["newsletter"]`."""

    runtime: Runtime
    crank: Crank


def state() -> State:
    """The state of the app that serves this request."""
    found: State = current_app.extensions["newsletter"]
    return found


def runtime() -> Runtime:
    """The Runtime of the app that serves this request."""
    return state().runtime


def now() -> datetime:
    """The product's time."""
    return runtime().clock.now()


def transaction() -> AbstractContextManager[Session]:
    """A session that commits at the end of the block."""
    return runtime().database.transaction()


def reading() -> AbstractContextManager[Session]:
    """A session for looking."""
    return runtime().database.reading()


def client_ip() -> str | None:
    """The visitor's address, as the proxy that we trust told it."""
    return request.remote_addr
