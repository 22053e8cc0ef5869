"""What a request works with: the Runtime that the door was given, and ways to open the database."""

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
from newsletter.web.beside import WriterBeside
from newsletter.web.view_counter import ViewCounter

LARGE = 50_000
"""People or messages above which pages show figures (`newsletter.figures`) instead of counting each time."""


class DeliveryTrigger(Protocol):
    """Asks the workers to deliver at once; never fails."""

    def wake(self) -> None:
        """Deliver what a person waits for."""


@dataclass(frozen=True, slots=True)
class WebState:
    """Kept in `app.extensions["newsletter"]`."""

    runtime: Runtime
    trigger: DeliveryTrigger
    figures: Figures = field(init=False)
    clicks: WriterBeside = field(init=False)
    views: ViewCounter = field(init=False)
    proofs: Once = field(init=False)

    def __post_init__(self) -> None:
        """Count, and write down clicks and views, in sessions of their own; remember which proofs were used."""
        database = self.runtime.database
        object.__setattr__(self, "clicks", WriterBeside("clicks", self.runtime.write_clicks, gather=1.0))
        object.__setattr__(self, "views", ViewCounter(database.transaction, self.runtime.clock.now))
        object.__setattr__(self, "proofs", once(self.runtime.settings))
        object.__setattr__(self, "figures", Figures(database.reading, _is_large))

    def close(self) -> None:
        """Write down what waits."""
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
    """The product's time."""
    return runtime().clock.now()


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that commits at the end of the block."""
    with runtime().database.transaction() as session:
        yield session
    g.has_committed = True


def has_committed() -> bool:
    """Whether this request has stored something already."""
    return bool(g.get("has_committed"))


@contextmanager
def reading() -> Iterator[Session]:
    """A session for looking: one for each request, so that what a page and its frame show is read once."""
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
    """The visitor's address to write down; None where none is kept."""
    return client_ip() if runtime().settings.keep_ip_days else None


def client_ip() -> str | None:
    """The visitor's address, as the proxies that we trust told it (`web.origin`); None: nobody knows."""
    return request.remote_addr or None


def client_household() -> str:
    """What counts as one client where clients are counted."""
    seen = address(request.remote_addr or "")
    return household(seen) if seen else "unknown"
