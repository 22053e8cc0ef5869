"""Per-application and per-request state: the Runtime, the clock and database sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from flask import current_app, g, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.figures import Figures
from newsletter.mail.ledger import Message
from newsletter.networks import address, household
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber
from newsletter.throttle.once import Once, once
from newsletter.web.background_writer import BackgroundWriter
from newsletter.web.view_counter import ViewCounter

LARGE = 50_000
"""Subscribers or messages above which pages use cached figures (`newsletter.figures`) instead of counting."""


class DeliveryTrigger(Protocol):
    """Wakes the workers for immediate delivery; never fails."""

    def wake(self) -> None:
        """Deliver transactional mail now."""


@dataclass(frozen=True, slots=True)
class WebState:
    """The application's state, in `app.extensions["newsletter"]`."""

    runtime: Runtime
    trigger: DeliveryTrigger
    figures: Figures = field(init=False)
    clicks: BackgroundWriter = field(init=False)
    views: ViewCounter = field(init=False)
    proofs: Once = field(init=False)

    def __post_init__(self) -> None:
        """Create the background writers, the cached figures and the register of used proofs."""
        database = self.runtime.database
        object.__setattr__(self, "clicks", BackgroundWriter("clicks", self.runtime.write_clicks, gather=1.0))
        object.__setattr__(self, "views", ViewCounter(database.transaction, self.runtime.clock.now))
        object.__setattr__(self, "proofs", once(self.runtime.settings))
        object.__setattr__(self, "figures", Figures(database.reading, _is_large))

    def close(self) -> None:
        """Flush the background writers."""
        self.clicks.close()
        self.views.close()


def _is_large(session: Session) -> bool:
    return any((session.scalar(select(func.max(kind.id))) or 0) > LARGE for kind in (Subscriber, Message))


def state() -> WebState:
    """The state of the app that serves this request."""
    found: WebState = current_app.extensions["newsletter"]
    return found


def runtime() -> Runtime:
    """The Runtime of the app that serves this request."""
    return state().runtime


def now() -> datetime:
    """The current time of the installation's clock."""
    return runtime().clock.now()


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that commits at the end of the block; sets `has_committed`."""
    with runtime().database.transaction() as session:
        yield session
    g.has_committed = True


def has_committed() -> bool:
    """Whether this request has committed a transaction."""
    return bool(g.get("has_committed"))


@contextmanager
def reading() -> Iterator[Session]:
    """A read-only session, shared by nested blocks, so that a page and its layout read things once."""
    outer: Session | None = g.get("reading")
    if outer is not None:
        yield outer
        return
    with runtime().database.reading() as session:
        g.reading = state().figures.carried_by(session)
        try:
            yield session
        finally:
            del g.reading


def kept_ip() -> str | None:
    """The client's address for storing; None if addresses are not kept."""
    return client_ip() if runtime().settings.keep_ip_days else None


def client_ip() -> str | None:
    """The client's address, as determined by `web.origin`, or None."""
    return request.remote_addr or None


def client_household() -> str:
    """The key of a client for rate limits."""
    seen = address(request.remote_addr or "")
    return household(seen) if seen else "unknown"
