"""Pauses all bulk mail to a reader, until they resume it themselves or the time is up."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from newsletter import sequences
from newsletter.db import Moment, lock
from newsletter.events import By, Event, EventKind, Press, note
from newsletter.languages import marked
from newsletter.mail import ledger
from newsletter.mail.ledger import Lane, Message, Reason, digest
from newsletter.subscribers import Status, Subscriber

PAUSE = timedelta(days=30)
FOR_THEM = Press(By.OWNER, marked("Paused by the owner, at the person's request."), "/owner")
"""The press with which an owner pauses somebody; its page distinguishes it from a pause carried over a restore."""


def pause(session: Session, subscriber: Subscriber, press: Press, now: datetime, until: datetime | None = None) -> bool:
    """Pause: send no bulk mail, and stop the clocks of their series.

    Return False if they get nothing, or have paused already. `until`: the end of a pause that is being restored.
    """
    lock(session, subscriber)
    if subscriber.status is not Status.CONFIRMED or subscriber.is_paused:
        return False
    subscriber.paused_until = until or now + PAUSE
    note(session, subscriber.id, EventKind.PAUSED, press, now)
    sequences.pause(session, subscriber, subscriber.paused_until, now)
    digest.take_back(session, subscriber.id, Reason.PAUSED, now)  # its entries wait for the end of the pause
    its = (Message.subscriber_id == subscriber.id, Message.lane == Lane.BULK)
    ledger.cancel(session, now, Reason.PAUSED, *its)
    return True


def end_pause(session: Session, subscriber: Subscriber, press: Press, now: datetime) -> bool:
    """Resume at once, by the reader's own press; return False if they are not paused."""
    lock(session, subscriber)
    if not subscriber.is_paused:
        return False
    note(session, subscriber.id, EventKind.WENT_ON, press, now)
    _go_on(session, subscriber, now)
    return True


def was_paused_for_them(session: Session, subscriber: Subscriber) -> bool:
    """Whether they are paused by the owner's press, not by their own."""
    theirs = (Event.subscriber_id == subscriber.id, Event.kind == EventKind.PAUSED)
    last = session.scalars(select(Event).where(*theirs).order_by(Event.id.desc()).limit(1)).first()
    return subscriber.is_paused and last is not None and (last.by, last.page) == (FOR_THEM.by, FOR_THEM.page)


def end_pause_for_them(session: Session, subscriber: Subscriber, press: Press, now: datetime) -> bool:
    """Undo the owner's pause; return False if there is none. A pause of the person's own is theirs alone to end."""
    lock(session, subscriber)
    return was_paused_for_them(session, subscriber) and end_pause(session, subscriber, press, now)


def _go_on(session: Session, subscriber: Subscriber, now: datetime) -> None:
    subscriber.paused_until = None
    sequences.go_on(session, subscriber, now)
    digest.go_on(session, subscriber.id, now)


def pause_is_over(now: Moment) -> ColumnElement[bool]:
    """The condition that somebody's pause is over."""
    return _over(now).exists()


def end_pauses(session: Session, now: datetime, limit: int = 500) -> int:
    """End pauses whose time is up; return how many. Without a press: this only resumes what each reader had."""
    look = _over(now).order_by(Subscriber.paused_until, Subscriber.id).limit(limit)
    over = session.scalars(look.with_for_update(skip_locked=True).execution_options(populate_existing=True)).all()
    for subscriber in over:
        _go_on(session, subscriber, now)
    return len(over)


def _over(now: Moment) -> Select[Subscriber]:
    return select(Subscriber).where(Subscriber.paused_until.is_not(None), Subscriber.paused_until <= now)
