"""Applies an edit of a sequence to the people in it."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, contains_eager

from newsletter.sequences.enrollment import Enrollment, EnrollmentStatus
from newsletter.sequences.sequence import Sequence, Step
from newsletter.subscribers import Subscriber

PIECE = 2000
"""Enrollments read and written together."""


def keep_dates(session: Session, sequence: Sequence, removed: Step, zone: str, now: datetime) -> None:
    """Before a step is removed, keep the date promised to those who wait for it: nothing comes sooner."""
    waiting = [place.id for place in sequence.places if next(iter(sequence.ahead(place)), None) is removed]
    theirs: ColumnElement[bool] = Enrollment.place_id.in_(waiting)
    if next(iter(sequence.ahead(None)), None) is removed:
        theirs = or_(theirs, Enrollment.place_id.is_(None))
    for enrollment in _under_way(session, sequence, theirs):
        enrollment.catch_up(now)
        enrollment.not_before = enrollment.due(removed, zone, now)


def replan(session: Session, sequence: Sequence, zone: str, now: datetime) -> int:
    """Reschedule after the steps of a sequence were edited; return how many people's dates changed.

    Elapsed time counts, both ways. Queued mail is not recalled.
    """
    moved = 0
    for enrollment in _under_way(session, sequence):
        before = enrollment.due_at
        if enrollment.next_step is not None:  # else it ends when due, unless a step is added before
            enrollment.schedule(zone, now)
        moved += enrollment.due_at != before
    return moved


def _under_way(session: Session, sequence: Sequence, *conditions: ColumnElement[bool]) -> Iterator[Enrollment]:
    """Yield active enrollments without a queued mail, locked; changes are written piece by piece."""
    session.flush()
    last = 0
    while True:
        piece = session.scalars(
            select(Enrollment)
            .join(Subscriber, Subscriber.id == Enrollment.subscriber_id)
            .options(contains_eager(Enrollment.subscriber))
            .where(
                Enrollment.sequence_id == sequence.id,
                Enrollment.status == EnrollmentStatus.ACTIVE,
                Enrollment.id > last,
            )
            .where(Enrollment.message_id.is_(None), *conditions)
            .order_by(Enrollment.id)
            .limit(PIECE)
            .with_for_update(of=Enrollment)
            .execution_options(populate_existing=True)
        ).all()
        yield from piece
        session.flush()
        if len(piece) < PIECE:
            return
        last = piece[-1].id
