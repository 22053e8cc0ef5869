"""SQL conditions on Subscriber: what mail somebody has had, or is about to get."""

from datetime import datetime

from sqlalchemy import ColumnElement, Exists, and_, or_, select, union

from newsletter.subscribers.segments.above import (
    BULK,
    CAMPAIGNS,
    DIGEST,
    DIGEST_ENTRIES,
    MESSAGES,
    REVISIONS,
    TRIED,
    UNDER_WAY,
)
from newsletter.subscribers.subscriber import Subscriber


def sent_messages(*which: ColumnElement[bool], or_in_digest: bool = False) -> Exists:
    """That a matching message was sent, or may have been; with `or_in_digest`, also as part of a weekly mail."""
    left: ColumnElement[bool] = MESSAGES.c.state.in_(TRIED)
    if or_in_digest:
        left |= (MESSAGES.c.reason == DIGEST) & _in_digest()
    theirs = (MESSAGES.c.subscriber_id == Subscriber.id, left, *which)
    return select(MESSAGES.c.subscriber_id).where(*theirs).correlate(Subscriber).exists()


def _in_digest() -> Exists:
    """That a message was part of a weekly mail that was sent, or may have been."""
    mail = MESSAGES.alias("mail")
    in_it = (DIGEST_ENTRIES.c.message_id == MESSAGES.c.id, mail.c.id == DIGEST_ENTRIES.c.digest_id)
    return select(mail.c.id).where(*in_it, mail.c.state.in_(TRIED)).correlate(MESSAGES).exists()


def had_article(article: int) -> ColumnElement[bool]:
    """Those who had an article, or may have: any revision, in a campaign, a series or a weekly mail.

    Articles compared with it in an A/B test are the same mailing, and count.
    """
    one, other = CAMPAIGNS.alias("one"), CAMPAIGNS.alias("other")
    tested = select(other.c.article_id).where(one.c.article_id == article, other.c.lot == one.c.lot)
    same = union(tested, select(REVISIONS.c.article_id).where(REVISIONS.c.article_id == article))
    its = select(REVISIONS.c.id).where(REVISIONS.c.article_id.in_(same.scalar_subquery()))
    return sent_messages(MESSAGES.c.revision_id.in_(its.scalar_subquery()), or_in_digest=True)


def mailed_since(moment: datetime) -> ColumnElement[bool]:
    """Those who were sent bulk mail since this moment, or may have been, or have a series or weekly mail on its way.

    Campaigns still to come do not count: the caller knows them.
    """
    went = MESSAGES.c.state.in_(TRIED) & (MESSAGES.c.settled_at >= moment)
    goes = MESSAGES.c.state.in_(UNDER_WAY) & MESSAGES.c.dispatch_id.is_(None)
    theirs = and_(MESSAGES.c.subscriber_id == Subscriber.id, MESSAGES.c.lane == BULK, or_(went, goes))
    return select(MESSAGES.c.subscriber_id).where(theirs).correlate(Subscriber).exists()
