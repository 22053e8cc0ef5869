"""Feed: a blog whose new posts become drafts, or mails; FeedPost: one of its posts, so that none is taken twice."""

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
"""Looks that failed one behind the other, after which the owner is told on the first page."""
AGAIN = timedelta(hours=1)
"""After a look that failed, until then."""
LEASE = timedelta(minutes=10)
"""How long a look is its worker's alone; whoever is killed in it is followed by another one then."""


class Rhythm(StrEnum):
    """How often a feed is looked at."""

    DAILY = "daily"
    WEEKLY = "weekly"


class Makes(StrEnum):
    """What becomes of new posts."""

    ARTICLES = "articles"
    """A draft, or mail, for each."""
    DIGEST = "digest"
    """One for all since the last time."""


class Sending(StrEnum):
    """To whom new posts go by themselves."""

    OFF = "off"
    """To nobody: they become drafts."""
    EVERYBODY = "everybody"
    """Who takes the newsletter, and the feed's topic where it has one."""
    SEGMENT = "segment"
    """Of these, who is in a saved segment. Where that is gone nothing goes out: nobody's mail widens by itself."""


class Mailing(StrEnum):
    """Where a post stands on its way into a mail."""

    WAITING = "waiting"
    """Its article is written; a campaign with it is to be made."""
    MAILED = "mailed"
    """There is a campaign that was scheduled."""
    HELD = "held"
    """It was not sent by itself, and its owner was told why."""


_WAITS = text("mailing = 'waiting'")


class Feed(Base):
    """A feed that an owner has named."""

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
    """Whose drafts its posts become; None: that owner is gone, and the first one gets them."""
    rhythm: Mapped[Rhythm]
    weekday: Mapped[int]
    """Monday 0; of a daily one without meaning."""
    hour: Mapped[int]
    """In its owner's zone."""
    makes: Mapped[Makes]
    takes_old: Mapped[bool] = mapped_column(default=False)
    """Whether the first look takes what stands in the feed already."""
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None] = mapped_column()
    paused_at: Mapped[datetime | None] = mapped_column()
    looked_at: Mapped[datetime | None] = mapped_column()
    """When it was read without trouble last."""
    tried_at: Mapped[datetime | None] = mapped_column()
    trouble: Mapped[Trouble | None] = mapped_column()
    """Why the last look failed."""
    failures: Mapped[int] = mapped_column(default=0)
    """Looks that failed since the last that did not."""
    sending: Mapped[Sending] = mapped_column(default=Sending.OFF, server_default=Sending.OFF.value)
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("saved_segments.id", ondelete="SET NULL"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey(Topic.id))
    """What its mails are about: they go to who takes that."""
    sending_by_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id", ondelete="SET NULL"))
    """Who switched sending on; it goes on as long as they may send."""
    known_at: Mapped[datetime | None] = mapped_column()
    """When all that stood in it was on record for the first time since then: what comes later is new, and sent."""
    etag: Mapped[str] = mapped_column(String(LONGEST_TAG), default="", server_default="")
    last_modified: Mapped[str] = mapped_column(String(LONGEST_DATE), default="", server_default="")
    """The version that was read last (RFC 9110 §8.8): it is not sent again while it is the newest."""

    owner: Mapped[Owner | None] = relationship(foreign_keys=[owner_id])
    sending_by: Mapped[Owner | None] = relationship(foreign_keys=[sending_by_id])
    segment: Mapped[SavedSegment | None] = relationship()
    topic: Mapped[Topic | None] = relationship()

    @property
    def is_sending(self) -> bool:
        """Whether new posts go out by themselves."""
        return self.sending is not Sending.OFF

    @property
    def version(self) -> Version:
        """What was read last."""
        return Version(self.etag, self.last_modified)

    def send_to(self, sending: Sending, segment: SavedSegment | None, topic: Topic | None, by: Owner,
                now: datetime) -> None:  # fmt: skip
        """Let new posts go out by themselves, or become drafts again.

        The next look comes at once and sends nothing: what stands in the feed now is not new.
        """
        if sending is not Sending.OFF and not self.is_sending:
            self.known_at, self.due_at = None, now
        self.sending, self.segment, self.topic, self.sending_by = sending, segment, topic, by

    @validates("title")
    def _clean(self, _: str, typed: str) -> str:
        return characters.line(typed)[:LONGEST_TITLE]

    def next_look(self, now: datetime) -> datetime:
        """When its time comes next, in its owner's zone."""
        zone, clock = self.owner.zone if self.owner else "UTC", time(self.hour)
        days = range(7) if self.rhythm is Rhythm.DAILY else (self.weekday,)
        return min(next_weekly(now, day, clock, zone) for day in days)

    def failed(self, trouble: Trouble, now: datetime) -> None:
        """A look found nothing to read. It is tried again soon, some times, and then at its own time."""
        self.failures += 1
        self.trouble, self.tried_at, self.lease_until = trouble, now, None
        self.due_at = now + AGAIN if self.failures < NEEDS_OWNER else self.next_look(now)

    def looked(self, now: datetime, *, is_whole: bool, version: Version = NEVER_SEEN) -> None:
        """A look went well. `is_whole`: all that was new is taken; else it goes on at once. `version`: the one read."""
        seen = version if is_whole else NEVER_SEEN
        self.etag, self.last_modified = seen.etag, seen.last_modified
        if is_whole and self.is_sending:
            self.known_at = self.known_at or now
        self.trouble, self.failures, self.lease_until = None, 0, None
        self.looked_at = self.tried_at = now
        self.due_at = self.next_look(now) if is_whole else now

    def pause(self, now: datetime) -> None:
        """Look no more, until it is told to go on."""
        self.paused_at = self.paused_at or now

    def go_on(self, now: datetime) -> None:
        """Look again, now: what was posted meanwhile is new."""
        self.paused_at, self.due_at, self.failures = None, now, 0


class FeedPost(Base):
    """A post that was seen, and what became of it."""

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
    """False: it stood in the feed already when that was named."""
    draft_id: Mapped[int | None] = mapped_column(ForeignKey("drafts.id", ondelete="SET NULL"), index=True)
    """The draft that it became, while that waits."""
    article_id: Mapped[int | None] = mapped_column(ForeignKey("articles.id", ondelete="SET NULL"))
    """The article that it became, where the feed sends by itself."""
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id", ondelete="SET NULL"))
    """The campaign that carries it: written in the same transaction, with `mailing`."""
    mailing: Mapped[Mailing | None] = mapped_column()

    draft: Mapped[Draft | None] = relationship()
    article: Mapped[Article | None] = relationship()


def needing_owner(session: Session) -> list[Feed]:
    """Feeds that could not be read again and again."""
    look = select(Feed).where(Feed.failures >= NEEDS_OWNER, Feed.paused_at.is_(None)).order_by(Feed.id)
    return list(session.scalars(look))
