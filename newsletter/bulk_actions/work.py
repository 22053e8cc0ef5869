"""Processes bulk actions in batches; each batch and its new position are committed together.

A killed worker's batch is rolled back, and the next worker starts at the same position. The action's row is locked
during a batch, so two workers never process the same people.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from sqlalchemy import ColumnElement, and_, or_, select, true, update
from sqlalchemy.orm import Session

from newsletter.bulk_actions.effect import NOT_REACHED, do
from newsletter.bulk_actions.record import SENDING, WORKING, ActionKind, ActionState, BulkAction
from newsletter.clock import Clock
from newsletter.db import Database, Moment, holds
from newsletter.journey import House
from newsletter.mail.ledger import Lane
from newsletter.mail.ledger.waiting import is_waiting as has_mail
from newsletter.subscribers import Subscriber

AT_ONCE = 50
"""People per transaction."""
SLICE = 5.0
"""Seconds a worker spends here before it turns to other tasks."""
PAUSE = 0.03
"""Seconds between transactions on SQLite, whose single write lock would otherwise starve everybody else."""


class Place(House, Protocol):
    """What the work needs from the installation; `Runtime` satisfies it."""

    @property
    def database(self) -> Database:
        """The installation's database."""

    @property
    def clock(self) -> Clock:
        """The installation's clock."""

    def forget_traces(self, *addresses: str) -> None:
        """Remove what is held about these addresses outside the subscribers' rows."""


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """SQL condition: there is work for a worker."""
    return select(BulkAction.id).where(_is_open(now)).exists()


def _is_open(now: Moment) -> ColumnElement[bool]:
    return or_(
        BulkAction.state == ActionState.RUNNING,
        (BulkAction.state == ActionState.WAITING) & (BulkAction.starts_at <= now),
    )


def go_on(place: Place, stopping: Callable[[], bool]) -> None:
    """Process open actions until none is left, the time slice ends, or `stopping` says so."""
    until = time.monotonic() + SLICE
    while not stopping() and time.monotonic() < until and _process_batch(place):
        if place.database.is_sqlite:
            time.sleep(PAUSE)


def _process_batch(place: Place) -> bool:
    """Process the next batch of the oldest action; False if there is nothing to do now."""
    now, erased = place.clock.now(), list[str]()
    with place.database.transaction() as session:
        oldest = select(BulkAction).where(_is_open(now)).order_by(BulkAction.id).limit(1)
        action = session.scalar(oldest.with_for_update(skip_locked=True, of=BulkAction))
        if action is None or _has_to_wait(session, action, now):
            return False
        action.state = ActionState.RUNNING
        some = _next_batch(session, action)
        for person, fits in some:
            done = do(session, place, action, person, now) if fits else NOT_REACHED
            action.done += done.is_reached
            erased += done.erased
            action.position = person.id
        action.looked_at += len(some)
        if len(some) < AT_ONCE:
            action.end(session, ActionState.DONE, now)
    if erased:
        place.forget_traces(*erased)
    return True


def _has_to_wait(session: Session, action: BulkAction, now: datetime) -> bool:
    """Whether an action that sends mail must wait until the transactional mails in the queue have left."""
    return action.kind in SENDING and holds(session, has_mail(Lane.TRANSACTIONAL, now))


def _next_batch(session: Session, action: BulkAction) -> list[tuple[Subscriber, bool]]:
    """The next batch, and whether each person still matches the filter (only an erasure lists those who do not)."""
    fits = and_(true(), *action.people.condition(action.created_at))
    whom = action.is_named if action.kind is ActionKind.ERASE else fits
    ahead = Subscriber.id > action.position, Subscriber.id <= action.last_id
    look = select(Subscriber, fits).where(*ahead, whom).order_by(Subscriber.id).limit(AT_ONCE)
    return [(person, bool(still)) for person, still in session.execute(look)]


def hold_back(session: Session, locked_at: datetime) -> None:
    """Stop actions that were open when the installation was locked: a copy must not act on its own."""
    open_ones = BulkAction.state.in_(WORKING), BulkAction.starts_at < locked_at
    session.execute(update(BulkAction).where(*open_ones).values(state=ActionState.STOPPED))
