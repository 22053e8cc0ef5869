"""Editions of a guide: who was given an earlier one, and neither asked for the newest since nor fetched it."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from newsletter.guides.guide import Guide, GuideRequest
from newsletter.subscribers import Status, Subscriber


def has_earlier_edition(guide: Guide) -> ColumnElement[bool]:
    """That somebody may be offered the newest edition, as an SQL condition on Subscriber: a reader who has an earlier
    one. Who is offered it has it from then on, so nobody is offered the same edition twice."""
    theirs = select(GuideRequest.id).where(
        GuideRequest.subscriber_id == Subscriber.id, GuideRequest.guide_id == guide.id
    )
    newest = theirs.where(GuideRequest.edition >= guide.edition)
    return (Subscriber.status == Status.CONFIRMED) & theirs.exists() & ~newest.exists()


def by_edition(session: Session, guide: Guide) -> dict[int, int]:
    """How many readers have which earlier edition as their newest, by its number."""
    has = (
        select(GuideRequest.subscriber_id, func.max(GuideRequest.edition).label("edition"))
        .join(Subscriber, Subscriber.id == GuideRequest.subscriber_id)
        .where(GuideRequest.guide_id == guide.id, Subscriber.status == Status.CONFIRMED)
        .group_by(GuideRequest.subscriber_id)
        .subquery()
    )
    counted = select(has.c.edition, func.count()).where(has.c.edition < guide.edition).group_by(has.c.edition)
    return dict(session.execute(counted.order_by(has.c.edition)).all())
