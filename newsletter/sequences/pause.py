"""Stops and restarts the clocks of all of a reader's series, or moves them to another zone."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.sequences.enrollment import LIVE, Enrollment, EnrollmentStatus, wake
from newsletter.subscribers import Subscriber


def pause(session: Session, subscriber: Subscriber, until: datetime, now: datetime) -> None:
    """Pause this person's series until then. The caller cancels what is queued."""
    theirs = select(Enrollment).where(Enrollment.subscriber_id == subscriber.id, Enrollment.status.in_(LIVE))
    # Locked and reread, as in `stop`: a mail that a tick is just queueing is then queued.
    for one in session.scalars(
        theirs.order_by(Enrollment.id).with_for_update(of=Enrollment).execution_options(populate_existing=True)
    ):
        if one.status is EnrollmentStatus.ACTIVE:
            one.step_aside(now)
        one.due_at = until
    session.flush()


def go_on(session: Session, subscriber: Subscriber, now: datetime) -> None:
    """Wake this person's series; the next tick schedules the one whose turn it is."""
    session.flush()
    wake(session, {subscriber.id}, now)


def look_again(session: Session, subscriber: Subscriber, now: datetime) -> None:
    """Have the next tick recompute due times, which may be too late in the reader's new zone."""
    theirs = (Enrollment.subscriber_id == subscriber.id, Enrollment.status == EnrollmentStatus.ACTIVE)
    session.flush()
    session.execute(
        update(Enrollment)
        .where(*theirs, Enrollment.message_id.is_(None))
        .values(due_at=now)
        .execution_options(synchronize_session=False)
    )
