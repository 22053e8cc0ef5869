"""Opens the batches of campaigns sent at everyone's own time, once their readers' hour has come.

A waiting batch has its own state, so claims, and the check made several times a second, stay cheap while thousands of
batches wait for a day.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from newsletter.db import Moment
from newsletter.mail.ledger import counts
from newsletter.mail.ledger.dispatch import IS_WAITING, Batch, BatchState, Dispatch
from newsletter.mail.ledger.message import UNDER_WAY, Message, State


@dataclass(frozen=True, slots=True)
class Opening:
    """The readers of a dispatch whose hour is one instant. Numbers of people."""

    at: datetime
    people: int
    done: int
    """Their message has an outcome, whatever it is."""
    has_come: bool


def is_opening(now: Moment) -> ColumnElement[bool]:
    """The condition that some batch's hour has come."""
    return select(Batch.id).where(IS_WAITING, Batch.opens_at <= now).exists()


def has_waiting(dispatch_id: ColumnElement[int]) -> ColumnElement[bool]:
    """The condition that some of a dispatch waits for its readers' hour."""
    return select(Batch.id).where(IS_WAITING, Batch.dispatch_id == dispatch_id).exists()


def open_due(session: Session, now: datetime) -> int:
    """Open every batch whose readers' hour has come; return how many. Idempotent."""
    return _open(session, IS_WAITING, Batch.opens_at <= now)


def open_all(session: Session, dispatch: Dispatch) -> None:
    """Open a cancelled dispatch's waiting batches, so that their rows are cancelled like any others."""
    _open(session, IS_WAITING, Batch.dispatch_id == dispatch.id)


def _open(session: Session, *which: ColumnElement[bool]) -> int:
    # Locked by id, as everywhere, to avoid deadlocks.
    ids = session.scalars(select(Batch.id).where(*which).order_by(Batch.id).with_for_update()).all()
    if ids:
        opened = update(Batch).where(*which).values(state=BatchState.OPEN)
        session.execute(opened.execution_options(synchronize_session=False))
    return len(ids)


def openings(session: Session, dispatch: Dispatch, now: datetime) -> list[Opening]:
    """The openings, earliest first; none for a dispatch that goes to all at once."""
    found: dict[datetime, list[counts.BatchCounts]] = {}
    for batch in counts.by_batch(session, dispatch):
        if batch.opens_at is not None:
            found.setdefault(batch.opens_at, []).append(batch)
    return [_opening(at, found[at], now) for at in sorted(found)]


def _opening(at: datetime, batches: Sequence[counts.BatchCounts], now: datetime) -> Opening:
    return Opening(
        at=at, people=sum(sum(one.states.values()) for one in batches),
        done=sum(one.of(*(state for state in State if state not in UNDER_WAY)) for one in batches), has_come=at <= now,
    )  # fmt: skip


def waiting_instants(session: Session, dispatch: Dispatch) -> Sequence[datetime]:
    """The instants its waiting batches open at, earliest first."""
    look = select(Batch.opens_at).where(IS_WAITING, Batch.dispatch_id == dispatch.id).distinct()
    return [at for at in session.scalars(look.order_by(Batch.opens_at)) if at is not None]


def hours_of(session: Session, people: Collection[int]) -> dict[int, datetime]:
    """By message id when the hour comes that messages to these people wait for."""
    going = session.scalars(select(Batch.dispatch_id).where(IS_WAITING).distinct()).all()
    if not going:
        return {}
    theirs = (Message.subscriber_id.in_(people), Message.dispatch_id.in_(going), Message.state == State.READY)
    inside = (Batch.dispatch_id == Message.dispatch_id) & Message.id.between(Batch.first_id, Batch.last_id)
    rows = session.execute(select(Message.id, Batch.opens_at).join(Batch, inside).where(*theirs, IS_WAITING))
    return {id: at for id, at in rows if at is not None}


def waits_until(session: Session, dispatch: Dispatch, subscriber_id: int) -> datetime | None:
    """When the hour comes that a message to this subscriber waits for; None: it waits for none."""
    mine = select(Message.id).where(
        Message.subscriber_id == subscriber_id, Message.idempotency_key == dispatch.idempotency_key,
        Message.state == State.READY,
    )  # fmt: skip
    id = session.scalar(mine)
    theirs = (Batch.dispatch_id == dispatch.id, Batch.first_id <= (id or 0), Batch.last_id >= (id or 0))
    return session.scalar(select(Batch.opens_at).where(IS_WAITING, *theirs))
