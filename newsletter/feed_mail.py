"""The story of a feed's new posts: each becomes a campaign, by itself, where its owner has switched that on.

The posts are claimed and the campaign is written in one transaction: whoever is killed has done all of it or nothing,
and of two workers one finds them claimed. What a check would stop on the owner's page is not sent; it waits as a draft,
and the owners are told why.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from newsletter import accounts, brand, feeds, preflight
from newsletter.accounts import Owner, Permission
from newsletter.articles import Article
from newsletter.campaigns import Campaign, NotNow, together
from newsletter.clock import Clock
from newsletter.db import Database, holds
from newsletter.feeds import Feed, FeedPost, Mailing, Sending
from newsletter.languages import counted, marked, said
from newsletter.mail.notice import tell_owners
from newsletter.mail.render import BadArticle, Renderer
from newsletter.preflight import spam
from newsletter.preflight.spam import Scores
from newsletter.settings import Settings

_LONGEST = select(FeedPost).where(FeedPost.mailing == Mailing.WAITING).order_by(FeedPost.id).limit(1)
MOST_A_DAY = 3
"""Mails of one feed by itself in 24 hours: a blog that is moved shows all its posts as new."""
DAY = timedelta(days=1)


class Place(Protocol):
    """What the work needs to know of the installation; Runtime is one."""

    @property
    def database(self) -> Database:
        """Where posts are."""

    @property
    def clock(self) -> Clock:
        """By which a day is over."""

    @property
    def renderer(self) -> Renderer:
        """By which a mail is looked at before it goes."""

    @property
    def settings(self) -> Settings:
        """Where SpamAssassin is."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What SpamAssassin said of the words of an article, before its mail is claimed; {} where it was not asked."""

    article: int | None
    revision: int = 0
    points: dict[str, Any] = field(default_factory=dict)


def go_on(place: Place, stopping: Callable[[], bool]) -> None:
    """Make campaigns of the posts that wait, until none does."""
    with place.database.reading() as session:
        waits = holds(session, feeds.waits_to_be_sent())
    while waits and not stopping():
        asked = _asked(place)
        with place.database.transaction() as session:
            if not _next(session, place.renderer, asked, place.clock.now()):
                return


def _asked(place: Place) -> _Asked:
    """Ask about the mail of the posts that have waited longest. Nothing is open in the database meanwhile."""
    with place.database.reading() as session:
        post = session.scalar(_LONGEST)
        article = session.get(Article, post.article_id) if post and post.article_id else None
        if article is None or not place.settings.spamd:
            return _Asked(post.article_id if post else None)
        mail = spam.mail_of_revision(session, place.renderer, article.current)
        try:
            data = mail.octets(place.renderer, brand.current(session), place.clock.now())
        except BadArticle:
            return _Asked(article.id)  # the preflight says why
    return _Asked(article.id, article.current.id, spam.scored(place.settings.spamd, [("", data)]))


def _next(session: Session, renderer: Renderer, asked: _Asked, now: datetime) -> bool:
    """Make a campaign of the posts that have waited longest; False: none waits."""
    # All of them are locked: two feeds that hold the same post come one after the other.
    sending = select(Feed).where(Feed.sending != Sending.OFF).order_by(Feed.id).with_for_update()
    session.scalars(sending.execution_options(populate_existing=True)).all()
    post = session.scalar(_LONGEST)
    if post is None:
        return False
    if post.article_id != asked.article:
        return True  # another worker was faster: this one has not been asked about
    if posts := _claimed(session, post):
        article = session.get_one(Article, post.article_id)
        _mail(session, renderer, session.get_one(Feed, post.feed_id), article, posts, asked, now)
    return True


def _claimed(session: Session, post: FeedPost) -> Sequence[FeedPost]:
    """The posts of its article, for this transaction alone; none: another worker was faster."""
    together_with = (FeedPost.feed_id == post.feed_id, FeedPost.article_id.is_not_distinct_from(post.article_id))
    claim = update(FeedPost).where(*together_with, FeedPost.mailing == Mailing.WAITING).values(mailing=Mailing.MAILED)
    ids = session.execute(claim.returning(FeedPost.id)).scalars().all()
    look = select(FeedPost).where(FeedPost.id.in_(ids)).order_by(FeedPost.id)
    return session.scalars(look.execution_options(populate_existing=True)).all()


def _mail(session: Session, renderer: Renderer, feed: Feed, article: Article, posts: Sequence[FeedPost],
          asked: _Asked, now: datetime) -> None:  # fmt: skip
    """Schedule a campaign with this article for now; where anything stands against it, leave it to its owner."""
    if feed.is_sending and (feed.sending is Sending.EVERYBODY or feed.segment is not None):
        campaign = _drafted(session, feed, article, posts, now)
        why = _hindrance(session, feed, article, posts, now) or _scheduled(session, renderer, campaign, asked, now)
        if not why:
            accounts.note(session, feed.sending_by, now, marked("campaign scheduled by a feed"),
                          f"{campaign.id} {article.title}")  # fmt: skip
            return
        path = f"/owner/campaigns/{campaign.id}"
    elif feed.is_sending:
        # Not as a campaign: that would go to everybody.
        why, path = said("Its segment is not there any more. Choose to whom the feed sends."), f"/owner/feeds/{feed.id}"
    else:
        why, path = said("Sending by itself was switched off meanwhile."), f"/owner/articles/{article.id}"
    for post in posts:
        post.mailing = Mailing.HELD
    lines = [why, said("Nobody got it. It waits as a draft: look at it, and send it if you like.")]
    title = said("A post was not sent by itself: %(title)s", title=article.title)
    tell_owners(session, now, key=f"feed-held:{article.id}", title=title, lines=lines, button=said("Look at it"),
                path=path)  # fmt: skip


def _drafted(session: Session, feed: Feed, article: Article, posts: Sequence[FeedPost], now: datetime) -> Campaign:
    zone = feed.owner.zone if feed.owner else brand.current(session).zone
    made = Campaign(article=article, saved_segment=feed.segment, zone=zone, created_at=now)
    session.add(made)
    session.flush()
    for post in posts:
        post.campaign_id = made.id
    return made


def _hindrance(session: Session, feed: Feed, article: Article, posts: Sequence[FeedPost], now: datetime) -> str:
    """Why it is not sent by itself, whatever it says; "" where nothing stands against it."""
    by: Owner | None = feed.sending_by
    if by is None or not by.may(Permission.SEND):
        return said("Whoever switched sending on for this feed may not send any more: switch it on anew.")
    if article.current.number != 1:
        return said("Somebody has changed its words since they were read.")
    if _was_mailed(session, posts):
        return said("A post with the same address was sent before.")
    lately = (
        select(func.count(FeedPost.campaign_id.distinct()))
        .join(Campaign)
        .where(FeedPost.feed_id == feed.id, FeedPost.mailing == Mailing.MAILED, Campaign.created_at > now - DAY)
    )
    if (session.scalar(lately) or 0) > MOST_A_DAY:  # this one is among them
        return counted("The feed had more than %(num)s new post within a day, and no more go out by themselves.",
                       "The feed had more than %(num)s new posts within a day, and no more go out by themselves.",
                       MOST_A_DAY)  # fmt: skip
    return ""


def _was_mailed(session: Session, posts: Sequence[FeedPost]) -> bool:
    """Whether one of them went out before: under another number of its own, or by another feed."""
    urls = {post.url for post in posts} - {""}
    same = select(FeedPost.id).where(FeedPost.url.in_(urls), FeedPost.mailing == Mailing.MAILED)
    return session.scalar(same.where(FeedPost.id.not_in([post.id for post in posts])).limit(1)) is not None


def _scheduled(session: Session, renderer: Renderer, campaign: Campaign, asked: _Asked, now: datetime) -> str:
    """Schedule it for now, if no check stops it and no warning wants a person; else why not.

    Spam points are among the checks as on a campaign's own page. Where SpamAssassin said nothing, nothing is held up.
    """
    house = brand.current(session)
    if asked.points and asked.revision == campaign.revision.id:
        mails = spam.mails_of_campaign(session, renderer, campaign)
        of_these = spam.fingerprint_of(renderer, house, mails)
        spam.keep(session, Scores.CAMPAIGN, campaign.id, of_these, asked.points, now)
    try:
        preflight.check_campaign(session, renderer, house, campaign, now).insist(accepted=False)
        together.schedule(session, campaign, now, house)
    except (preflight.NotFit, NotNow) as error:
        why: str = error.args[0]
        return why
    return ""
