"""What a reader may start or restart."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.sequences.enrollment import LIVE, Enrollment, EnrollmentStatus
from newsletter.sequences.sequence import Sequence
from newsletter.subscribers import Subscriber


def is_under_way(session: Session, subscriber: Subscriber, guide_slug: str) -> bool:
    """Whether this person is in a live series of this guide."""
    look = select(Enrollment.id).join(Sequence, Sequence.id == Enrollment.sequence_id)
    its = (Sequence.guide_slug == guide_slug, Sequence.live)
    here = (Enrollment.subscriber_id == subscriber.id, Enrollment.status.in_(LIVE))
    return session.scalar(look.where(*its, *here).limit(1)) is not None


def steps_ahead(session: Session, subscriber: Subscriber, sequence: Sequence) -> int:
    """How many articles starting this sequence would bring; of a stopped one, those that are left."""
    if not sequence.live:
        return 0
    here = Enrollment.sequence_id == sequence.id
    before = session.scalars(select(Enrollment).where(Enrollment.subscriber_id == subscriber.id, here)).all()
    if any(one.status is not EnrollmentStatus.STOPPED for one in before):
        return 0
    newest = max(before, key=lambda one: one.id, default=None)
    return len(sequence.ahead(newest.place if newest else None))


def stopped(session: Session, subscriber: Subscriber) -> list[Enrollment]:
    """The newest enrollment of each stopped series that has articles left for this person."""
    every = session.scalars(
        select(Enrollment)
        .where(Enrollment.subscriber_id == subscriber.id, Enrollment.status == EnrollmentStatus.STOPPED)
        .order_by(Enrollment.id)
    )
    newest = {one.sequence_id: one for one in every}
    return [one for one in newest.values() if steps_ahead(session, subscriber, one.sequence)]
