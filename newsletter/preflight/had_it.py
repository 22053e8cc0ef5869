"""Counts how many of an audience have already had an article, alone or in a weekly mail.

The two articles that an A/B test compares are the same mailing.
"""

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from newsletter.articles import Revision
from newsletter.campaigns import of_the_same_mailing
from newsletter.figures import figure
from newsletter.mail.ledger import Dispatch, Message
from newsletter.mail.ledger.contents import TRIED
from newsletter.mail.ledger.digest import in_digest
from newsletter.mail.ledger.dispatch import of_dispatch
from newsletter.mail.render import Content
from newsletter.sequences import Step
from newsletter.subscribers import Segment, Stream, Subscriber


def count(session: Session, segment: Segment, words: Content, article_id: int | None) -> int:
    """How many of a segment were sent, or may have been, any revision of this article, or its text as another one."""
    same = (Revision.subject == words.subject) & (Revision.body == words.body)
    if article_id is not None:
        same |= Revision.article_id == article_id
    rows = session.execute(select(Revision.id, Revision.article_id).where(same)).all()
    if not rows:
        return 0
    revisions, articles = [id for id, _ in rows], {article for _, article in rows}
    if others := of_the_same_mailing(session, articles) - articles:
        revisions += session.scalars(select(Revision.id).where(Revision.article_id.in_(others)))
        articles |= others
    # A campaign may have been revised; each message records which revision it carried.
    siblings = select(Revision.id).where(Revision.article_id.in_(articles))
    dispatches = session.scalars(select(Dispatch.id).where(Dispatch.revision_id.in_(siblings))).all()
    places = [and_(*of_dispatch(session, id)) for id in dispatches]
    if session.scalar(select(Step.id).where(Step.article_id.in_(articles)).limit(1)) is not None:
        places.append(Message.stream == Stream.STEP)
    if not places:
        return 0
    had = (
        select(func.count(Message.subscriber_id.distinct()))
        .join(Subscriber, Subscriber.id == Message.subscriber_id)
        .where(or_(*places), Message.revision_id.in_(revisions), Message.state.in_(TRIED) | in_digest())
        .where(segment.condition())
    )
    key = ("had it", segment, tuple(revisions), len(dispatches))
    return figure(session, key, lambda it: it.scalar(had) or 0)
