"""What a reader does to the clocks of all their series: lets them stand still and go on, or lives by others."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.sequences.enrollment import LIVE, Enrollment, EnrollmentStatus, wake
from newsletter.subscribers import Subscriber


def pause(session: Session, subscriber: Subscriber, until: datetime, now: datetime) -> None:
    """Let this person's series wait until then. What is queued of them is for the caller to call off."""
    theirs = select(Enrollment).where(Enrollment.subscriber_id == subscriber.id, Enrollment.status.in_(LIVE))
    # Locked and read anew, as where they are stopped: a tick that queues a mail just now has queued it then.
    for one in session.scalars(
        theirs.order_by(Enrollment.id).with_for_update(of=Enrollment).execution_options(populate_existing=True)
    ):
        if one.status is EnrollmentStatus.ACTIVE:
            one.step_aside(now)
        one.due_at = until
    session.flush()


def go_on(session: Session, subscriber: Subscriber, now: datetime) -> None:
    """Let the series whose turn it is begin again; the next tick works out when its next article comes."""
    session.flush()
    wake(session, {subscriber.id}, now)


def look_again(session: Session, subscriber: Subscriber, now: datetime) -> None:
    """Their clocks are others now, and what was worked out may be late: let the next tick work it out anew."""
    theirs = (Enrollment.subscriber_id == subscriber.id, Enrollment.status == EnrollmentStatus.ACTIVE)
    session.flush()
    session.execute(
        update(Enrollment)
        .where(*theirs, Enrollment.message_id.is_(None))
        .values(due_at=now)
        .execution_options(synchronize_session=False)
    )
