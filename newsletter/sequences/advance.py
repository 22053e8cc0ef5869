"""The crank of the series: what a beat tick does with everybody who is due."""

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from newsletter.mail import outbox
from newsletter.mail.outbox import UNDER_WAY, Lane, Message, State
from newsletter.sequences.delay import zone_named
from newsletter.sequences.enrollment import Course, Enrollment
from newsletter.sequences.sequence import Sequence
from newsletter.subscribers import Stream

LEFT = "The person may not receive the series any more."


def advance_due(session: Session, now: datetime, zone: str, limit: int = 500) -> int:
    """Move up to `limit` enrollments on; how many moved. `zone`: of subscribers who have none of their own.

    Rows are locked while they move (SKIP LOCKED on PostgreSQL, one writer on SQLite), and the mail's occasion is
    unique: two beats, or two workers, send one mail.
    """
    return _settle(session, now, zone, limit) + _activate(session, now, zone, limit) + _queue(session, now, zone, limit)


def _settle(session: Session, now: datetime, zone: str, limit: int) -> int:
    """The last step's mail went out (or never will): the next delay counts from the moment it really went."""
    settled = session.execute(
        select(Enrollment, Message)
        .join(Message, Message.id == Enrollment.message_id)
        .where(Enrollment.course == Course.ACTIVE, Message.state.not_in(UNDER_WAY))  # else the series waits for it
        .limit(limit)
        .with_for_update(skip_locked=True, of=Enrollment)
    ).all()  # fmt: skip
    for enrollment, message in settled:
        if message.state in (State.CANCELLED, State.FAILED) and not enrollment.subscriber.may_receive(Stream.STEP):
            enrollment.end(Course.STOPPED, now, LEFT)
        else:
            enrollment.passed(message.settled_at or now, zone, now)
    return len(settled)


def _activate(session: Session, now: datetime, zone: str, limit: int) -> int:
    """A series that waited behind another one begins when the other has ended."""
    other = aliased(Enrollment)
    in_front = exists().where(
        other.subscriber_id == Enrollment.subscriber_id,
        (other.course == Course.ACTIVE) | ((other.course == Course.WAITING) & (other.id < Enrollment.id)),
    )
    waiting = session.scalars(
        select(Enrollment)
        .where(Enrollment.course == Course.WAITING, ~in_front)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Enrollment)
    ).all()
    for enrollment in waiting:
        if enrollment.subscriber.may_receive(Stream.STEP):
            enrollment.activate(zone, now)
        else:
            enrollment.end(Course.STOPPED, now, LEFT)
    return len(waiting)


def _queue(session: Session, now: datetime, zone: str, limit: int) -> int:
    due = session.scalars(
        select(Enrollment)
        .join(Sequence, Sequence.id == Enrollment.sequence_id)
        # Of a series that is switched off nobody moves: left in, they would be found again by every look.
        .where(
            Enrollment.course == Course.ACTIVE,
            Enrollment.due_at <= now,
            Enrollment.message_id.is_(None),
            Sequence.live,
        )
        .order_by(Enrollment.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Enrollment)
    ).all()
    for enrollment in due:
        _queue_next(session, enrollment, now, zone)
    return len(due)


def _queue_next(session: Session, enrollment: Enrollment, now: datetime, zone: str) -> None:
    step = enrollment.next_step
    if not enrollment.subscriber.may_receive(Stream.STEP):
        enrollment.end(Course.STOPPED, now, LEFT)
    elif step is None:
        enrollment.end(Course.FINISHED, now)
    elif _had_bulk_mail_today(session, enrollment, now, zone):
        enrollment.due_at = now + timedelta(days=1)  # one marketing mail a day: the campaign went first
    else:
        message, _ = outbox.queue(
            session,
            enrollment.subscriber,
            Stream.STEP,
            f"step:{enrollment.id}:{step.id}",
            now,
            revision=step.article.current,
            context={"guide": enrollment.sequence.guide_slug},
        )
        enrollment.message, enrollment.message_step, enrollment.due_at = message, step, None


def _had_bulk_mail_today(session: Session, enrollment: Enrollment, now: datetime, zone: str) -> bool:
    here = zone_named(enrollment.subscriber.zone or zone)
    midnight = now.astimezone(here).replace(hour=0, minute=0, second=0, microsecond=0)
    look = select(Message.id).where(
        Message.subscriber_id == enrollment.subscriber_id,
        Message.lane == Lane.BULK,
        Message.settled_at >= midnight,
        Message.state.in_((State.SENT, State.DELIVERED, State.UNCERTAIN)),
    )
    return session.scalar(look.limit(1)) is not None
