"""Feed: a blog whose new posts become drafts or mails. FeedPost: a post already seen, so that none is taken twice."""

from datetime import datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, validates

from newsletter import characters
from newsletter.accounts import Owner
from newsletter.articles import Article
from newsletter.db import Base, Id, one_of
from newsletter.drafts import Draft
from newsletter.feeds.parse import LONGEST_LINK, LONGEST_TITLE
from newsletter.fetch import NEVER_SEEN, Trouble, Version
from newsletter.fetch.fetched import LONGEST_DATE, LONGEST_TAG
from newsletter.subscribers.segments import SavedSegment
from newsletter.topics import Topic
from newsletter.zones import next_weekly

NEEDS_OWNER = 5
"""Consecutive failed checks after which the dashboard tells the owner."""
AGAIN = timedelta(hours=1)
"""When to retry after a failed check, up to `NEEDS_OWNER` times."""
LEASE = timedelta(minutes=10)
"""How long a check belongs to one worker; if that dies, another takes over afterwards."""


class Rhythm(StrEnum):
    """How often a feed is checked."""

    DAILY = "daily"
    WEEKLY = "weekly"


class Makes(StrEnum):
    """What new posts become."""

    ARTICLES = "articles"
    """One draft or mail per post."""
    DIGEST = "digest"
    """One for all posts since the last check."""


class Sending(StrEnum):
    """Who automatically receives new posts."""

    OFF = "off"
    """Nobody: they become drafts."""
    EVERYBODY = "everybody"
    """Everybody who receives the newsletter and, if the feed has a topic, that topic."""
    SEGMENT = "segment"
    """Those of them in a saved segment. If it was deleted nothing is sent: an audience never widens by itself."""


class Mailing(StrEnum):
    """A post's progress towards a mail."""

    WAITING = "waiting"
    """Its article is written; the campaign is still to be created."""
    MAILED = "mailed"
    """Its campaign was scheduled."""
    HELD = "held"
    """It was not sent automatically; the owner was told why."""


_WAITS = text("mailing = 'waiting'")


class Feed(Base):
    """A feed that an owner subscribed to."""

    __tablename__ = "feeds"
    __table_args__ = (
        one_of("rhythm", Rhythm),
        one_of("makes", Makes),
        one_of("sending", Sending),
        one_of("trouble", Trouble),
        Index("ix_feeds_due_at", "due_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    url: Mapped[str] = mapped_column(String(LONGEST_LINK))
    title: Mapped[str] = mapped_column(String(LONGEST_TITLE))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id", ondelete="SET NULL"))
    """Who gets the drafts; None if they are gone: then the first team member who may write."""
    rhythm: Mapped[Rhythm]
    weekday: Mapped[int]
    """Monday is 0; ignored for a daily feed."""
    hour: Mapped[int]
    """In the owner's zone."""
    makes: Mapped[Makes]
    takes_old: Mapped[bool] = mapped_column(default=False)
    """Whether the first check also takes the posts already in the feed."""
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None] = mapped_column()
    paused_at: Mapped[datetime | None] = mapped_column()
    looked_at: Mapped[datetime | None] = mapped_column()
    """When it was last read successfully."""
    tried_at: Mapped[datetime | None] = mapped_column()
    trouble: Mapped[Trouble | None] = mapped_column()
    """Why the last check failed."""
    failures: Mapped[int] = mapped_column(default=0)
    """Consecutive failed checks."""
    sending: Mapped[Sending] = mapped_column(default=Sending.OFF, server_default=Sending.OFF.value)
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("saved_segments.id", ondelete="SET NULL"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey(Topic.id))
    """The topic of its mails, which go only to those who take it."""
    sending_by_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id", ondelete="SET NULL"))
    """Who switched sending on; it continues only while they have the permission to send."""
    known_at: Mapped[datetime | None] = mapped_column()
    """When its posts were first all recorded after sending was switched on; only later posts are sent."""
    etag: Mapped[str] = mapped_column(String(LONGEST_TAG), default="", server_default="")
    last_modified: Mapped[str] = mapped_column(String(LONGEST_DATE), default="", server_default="")
    """With `etag`, the version read last (RFC 9110 §8.8), so that an unchanged feed is not transferred again."""

    owner: Mapped[Owner | None] = relationship(foreign_keys=[owner_id])
    sending_by: Mapped[Owner | None] = relationship(foreign_keys=[sending_by_id])
    segment: Mapped[SavedSegment | None] = relationship()
    topic: Mapped[Topic | None] = relationship()

    @property
    def is_sending(self) -> bool:
        """Whether new posts are sent automatically."""
        return self.sending is not Sending.OFF

    @property
    def version(self) -> Version:
        """The version read last."""
        return Version(self.etag, self.last_modified)

    def send_to(self, sending: Sending, segment: SavedSegment | None, topic: Topic | None, by: Owner,
                now: datetime) -> None:  # fmt: skip
        """Start or change automatic sending, or switch it off.

        Switching it on makes a check due at once, which sends nothing: posts already in the feed are not new.
        """
        if sending is not Sending.OFF and not self.is_sending:
            self.known_at, self.due_at = None, now
        self.sending, self.segment, self.topic, self.sending_by = sending, segment, topic, by

    @validates("title")
    def _clean(self, _: str, typed: str) -> str:
        return characters.line(typed)[:LONGEST_TITLE]

    def next_look(self, now: datetime) -> datetime:
        """The next scheduled check (UTC), at the owner's local time."""
        zone, clock = self.owner.zone if self.owner else "UTC", time(self.hour)
        days = range(7) if self.rhythm is Rhythm.DAILY else (self.weekday,)
        return min(next_weekly(now, day, clock, zone) for day in days)

    def failed(self, trouble: Trouble, now: datetime) -> None:
        """Record a failed check: retry after `AGAIN` a few times, then on schedule."""
        self.failures += 1
        self.trouble, self.tried_at, self.lease_until = trouble, now, None
        self.due_at = now + AGAIN if self.failures < NEEDS_OWNER else self.next_look(now)

    def looked(self, now: datetime, *, is_whole: bool, version: Version = NEVER_SEEN) -> None:
        """Record a successful check of `version`. `is_whole`: all new posts were taken; if not, it is due at once."""
        seen = version if is_whole else NEVER_SEEN
        self.etag, self.last_modified = seen.etag, seen.last_modified
        if is_whole and self.is_sending:
            self.known_at = self.known_at or now
        self.trouble, self.failures, self.lease_until = None, 0, None
        self.looked_at = self.tried_at = now
        self.due_at = self.next_look(now) if is_whole else now

    def pause(self, now: datetime) -> None:
        """Stop checking until resumed."""
        self.paused_at = self.paused_at or now

    def go_on(self, now: datetime) -> None:
        """Resume, with a check due now; posts from the pause count as new."""
        self.paused_at, self.due_at, self.failures = None, now, 0


class FeedPost(Base):
    """A post that was seen, and what it became."""

    __tablename__ = "feed_posts"
    __table_args__ = (
        one_of("mailing", Mailing),
        UniqueConstraint("feed_id", "key"),
        Index("ix_feed_posts_waiting", "article_id", postgresql_where=_WAITS, sqlite_where=_WAITS),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    feed_id: Mapped[int] = mapped_column(ForeignKey("feeds.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(64))
    """SHA-256 of its guid, id or link."""
    title: Mapped[str] = mapped_column(String(LONGEST_TITLE))
    url: Mapped[str] = mapped_column(String(LONGEST_LINK))
    seen_at: Mapped[datetime]
    taken: Mapped[bool]
    """False if it was already in the feed at the first check and skipped."""
    draft_id: Mapped[int | None] = mapped_column(ForeignKey("drafts.id", ondelete="SET NULL"), index=True)
    """The draft it became, as long as that exists."""
    article_id: Mapped[int | None] = mapped_column(ForeignKey("articles.id", ondelete="SET NULL"))
    """The article it became, if the feed sends automatically."""
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id", ondelete="SET NULL"))
    """The campaign that carries it; set in one transaction with `mailing`."""
    mailing: Mapped[Mailing | None] = mapped_column()

    draft: Mapped[Draft | None] = relationship()
    article: Mapped[Article | None] = relationship()


def needing_owner(session: Session) -> list[Feed]:
    """Active feeds with at least `NEEDS_OWNER` consecutive failures."""
    look = select(Feed).where(Feed.failures >= NEEDS_OWNER, Feed.paused_at.is_(None)).order_by(Feed.id)
    return list(session.scalars(look))
