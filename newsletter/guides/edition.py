"""Editions of a guide: finds readers who have an earlier one, but not the newest."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from newsletter.guides.guide import Guide, GuideRequest
from newsletter.subscribers import Status, Subscriber


def has_earlier_edition(guide: Guide) -> ColumnElement[bool]:
    """SQL condition on Subscriber: a confirmed reader who has an earlier edition, but not the newest.

    An offer gives them the newest, so nobody is offered the same edition twice.
    """
    theirs = select(GuideRequest.id).where(
        GuideRequest.subscriber_id == Subscriber.id, GuideRequest.guide_id == guide.id
    )
    newest = theirs.where(GuideRequest.edition >= guide.edition)
    return (Subscriber.status == Status.CONFIRMED) & theirs.exists() & ~newest.exists()


def by_edition(session: Session, guide: Guide) -> dict[int, int]:
    """Number of readers by the newest edition they have, for earlier editions only."""
    has = (
        select(GuideRequest.subscriber_id, func.max(GuideRequest.edition).label("edition"))
        .join(Subscriber, Subscriber.id == GuideRequest.subscriber_id)
        .where(GuideRequest.guide_id == guide.id, Subscriber.status == Status.CONFIRMED)
        .group_by(GuideRequest.subscriber_id)
        .subquery()
    )
    counted = select(has.c.edition, func.count()).where(has.c.edition < guide.edition).group_by(has.c.edition)
    return dict(session.execute(counted.order_by(has.c.edition)).all())
