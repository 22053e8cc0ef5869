"""A worker's turn: some people of an action, in one transaction with the place behind them, then some more.

Who is killed in the middle has done nothing of that: the next one begins at the same place. The row is locked
meanwhile, so two workers never do the same people.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from sqlalchemy import ColumnElement, and_, or_, select, true, update
from sqlalchemy.orm import Session

from newsletter.bulk_actions.effect import NOT_REACHED, do
from newsletter.bulk_actions.record import WORKING, ActionKind, ActionState, BulkAction
from newsletter.clock import Clock
from newsletter.db import Database, Moment, holds
from newsletter.journey import House
from newsletter.mail.ledger import Lane
from newsletter.mail.ledger.waiting import is_waiting as has_mail
from newsletter.subscribers import Subscriber

AT_ONCE = 50
"""People in one transaction."""
SLICE = 5.0
"""Seconds that a worker goes on before it has other things to do."""
BREATH = 0.03
"""Seconds between two transactions on SQLite, whose one write lock nobody else would ever get."""


class Place(House, Protocol):
    """What the work needs to know of the installation; Runtime is one."""

    @property
    def database(self) -> Database:
        """Where its people are."""

    @property
    def clock(self) -> Clock:
        """By which it is time."""

    def forget_traces(self, *addresses: str) -> None:
        """What is held of these addresses outside of the rows of people."""


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """That a worker should look, as a condition."""
    return select(BulkAction.id).where(_is_open(now)).exists()


def _is_open(now: Moment) -> ColumnElement[bool]:
    return or_(
        BulkAction.state == ActionState.RUNNING,
        (BulkAction.state == ActionState.WAITING) & (BulkAction.starts_at <= now),
    )


def go_on(place: Place, stopping: Callable[[], bool]) -> None:
    """Go on with what waits, until nothing does or the slice is over."""
    until = time.monotonic() + SLICE
    while not stopping() and time.monotonic() < until and _turn(place):
        if place.database.is_sqlite:
            time.sleep(BREATH)


def _turn(place: Place) -> bool:
    """The next people of the oldest action; False: there is nothing to do now."""
    now, erased = place.clock.now(), list[str]()
    with place.database.transaction() as session:
        oldest = select(BulkAction).where(_is_open(now)).order_by(BulkAction.id).limit(1)
        action = session.scalar(oldest.with_for_update(skip_locked=True, of=BulkAction))
        if action is None or _has_to_wait(session, action, now):
            return False
        action.state = ActionState.RUNNING
        some = _next(session, action)
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
    """Guides go with what people wait for, and not before it: some, and more when those have left."""
    return action.kind is ActionKind.GUIDE and holds(session, has_mail(Lane.TRANSACTIONAL, now))


def _next(session: Session, action: BulkAction) -> list[tuple[Subscriber, bool]]:
    """The next people, and whether each is to be done: of those who are to be erased, who still fits the filter."""
    fits = and_(true(), *action.people.condition(action.created_at))
    whom = action.is_named if action.kind is ActionKind.ERASE else fits
    ahead = Subscriber.id > action.position, Subscriber.id <= action.last_id
    look = select(Subscriber, fits).where(*ahead, whom).order_by(Subscriber.id).limit(AT_ONCE)
    return [(person, bool(still)) for person, still in session.execute(look)]


def hold_back(session: Session, locked_at: datetime) -> None:
    """Stop what was under way before the installation was locked: a copy does nothing by itself."""
    open_ones = BulkAction.state.in_(WORKING), BulkAction.starts_at < locked_at
    session.execute(update(BulkAction).where(*open_ones).values(state=ActionState.STOPPED))
