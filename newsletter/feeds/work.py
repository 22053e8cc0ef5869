"""Checks due feeds. Fetching holds no transaction; each post is recorded in one with the draft or article it becomes.

A killed worker loses nothing: its lease expires, and the next check takes the posts not yet recorded. The lease keeps
two workers apart; the unique key of a post is the last guard.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.accounts import Permission, with_permission
from newsletter.clock import Clock
from newsletter.db import Database, Moment
from newsletter.feeds.bring import Brought, put_down, write_down
from newsletter.feeds.parse import FeedText, NotAFeed, Post, read_feed
from newsletter.feeds.posts import as_article, as_digest
from newsletter.feeds.record import LEASE, Feed, FeedPost, Mailing, Makes
from newsletter.fetch import (
    FEEDS,
    NEVER_SEEN,
    PAGES,
    Fetched,
    Fetcher,
    NotFetched,
    Trouble,
    Unchanged,
    Version,
)
from newsletter.readable import feeds_of

SLICE = 15.0
"""Seconds a worker spends here per tick; the next tick continues."""


class Place(Protocol):
    """What the work needs from the installation; `Runtime` satisfies it."""

    @property
    def database(self) -> Database:
        """The installation's database."""

    @property
    def clock(self) -> Clock:
        """The installation's clock."""

    @property
    def fetcher(self) -> Fetcher:
        """Fetches feeds, pages and pictures."""

    @property
    def media(self) -> Path:
        """The media folder."""


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """SQL condition: there is work for a worker."""
    return or_(select(Feed.id).where(_is_due(now)).exists(), waits_to_be_sent())


def waits_to_be_sent() -> ColumnElement[bool]:
    """SQL condition: some post has an article but no campaign yet."""
    return select(FeedPost.id).where(FeedPost.mailing == Mailing.WAITING).exists()


def _is_due(now: Moment) -> ColumnElement[bool]:
    return Feed.paused_at.is_(None) & (Feed.due_at <= now) & or_(Feed.lease_until.is_(None), Feed.lease_until <= now)


def found(fetcher: Fetcher, url: str, seen: Version = NEVER_SEEN) -> tuple[Fetched, FeedText]:
    """The feed at a URL, or the first one that the page there links to: the response and the parsed feed.

    Raises NotFetched; Unchanged if the version at the URL is still `seen`.
    """
    first = fetcher.get(url, (*FEEDS, *PAGES), seen=seen)
    try:
        return first, _read(first)
    except NotAFeed:
        named = feeds_of(first.text(), first.address)
    try:
        second = fetcher.get(named[0], (*FEEDS, *PAGES)) if named else None
        if second is not None:
            return second, _read(second)
    except NotAFeed:
        pass
    raise NotFetched(Trouble.NO_FEED)


def _read(seen: Fetched) -> FeedText:
    return read_feed(seen.text(), seen.address)


def go_on(place: Place, stopping: Callable[[], bool]) -> None:
    """Check due feeds until none is left, the time slice ends, or `stopping` says so."""
    until = time.monotonic() + SLICE
    while not stopping() and time.monotonic() < until:
        id = _claim_due(place)
        if id is None:
            return
        _check(place, id, lambda: stopping() or time.monotonic() >= until)


def _claim_due(place: Place) -> int | None:
    """Lease the feed that has been due longest; returns its id, or None."""
    now = place.clock.now()
    with place.database.transaction() as session:
        oldest = select(Feed).where(_is_due(now)).order_by(Feed.due_at, Feed.id).limit(1)
        feed = session.scalar(oldest.with_for_update(skip_locked=True, of=Feed))
        if feed is None:
            return None
        feed.lease_until = now + LEASE
        return feed.id


def _check(place: Place, id: int, is_over: Callable[[], bool]) -> None:
    with place.database.reading() as session:
        feed = session.get(Feed, id)
    if feed is None:  # deleted in the meantime
        return
    is_whole, version = True, feed.version
    try:
        where, said = found(place.fetcher, feed.url, feed.version)
    except NotFetched as error:
        with place.database.transaction() as session:
            if (failed := session.get(Feed, id, with_for_update=True)) is not None:
                failed.failed(error.trouble, place.clock.now())
        return
    except Unchanged:
        pass
    else:
        version = where.version if where.address == feed.url else NEVER_SEEN
        is_whole = _take_new(place, feed, where.address, said, is_over)
    with place.database.transaction() as session:
        if (looked := session.get(Feed, id, with_for_update=True)) is not None:
            looked.looked(place.clock.now(), is_whole=is_whole, version=version)


def _take_new(place: Place, feed: Feed, where: str, seen: FeedText, is_over: Callable[[], bool]) -> bool:
    """Take the new posts; False if the time slice ended first."""
    with place.database.reading() as session:
        known = set(session.scalars(select(FeedPost.key).where(FeedPost.feed_id == feed.id)))
    fresh = list({one.key: one for one in seen.posts if one.key not in known}.values())
    if feed.looked_at is None and not feed.takes_old and not known:
        _record(place, feed, fresh, None)
    elif feed.makes is Makes.DIGEST:
        if fresh:
            _record(place, feed, fresh, as_digest(fresh, seen.title or feed.title, where))
    else:
        for post in fresh:
            if is_over():
                return False
            _record(place, feed, [post], as_article(place.fetcher, post, where))
    return True


def _record(place: Place, feed: Feed, posts: Sequence[Post], brought: Brought | None) -> None:
    """Record posts together with what they become, in one transaction; does nothing if one is already recorded."""
    now = place.clock.now()
    try:
        with place.database.transaction() as session:
            rows = [_row(feed, post, now, taken=brought is not None) for post in posts]
            session.add_all(rows)
            session.flush()
            if brought is not None:
                _save(session, place, feed, rows, brought)
    except IntegrityError:
        pass  # another worker took one after this lease expired, or the feed was deleted


def _save(session: Session, place: Place, feed: Feed, rows: Sequence[FeedPost], brought: Brought) -> None:
    """Save the posts as an article that waits to be sent, or as a draft.

    Posts that were in the feed when sending was switched on, or read while it was being changed, become drafts.
    """
    now, kept = place.clock.now(), session.get_one(Feed, feed.id, with_for_update=True)
    if kept.is_sending and feed.known_at is not None and kept.known_at == feed.known_at:
        article = write_down(session, brought, place.media, kept.topic, now)
        for row in rows:
            row.article_id, row.mailing = article.id, Mailing.WAITING
        return
    draft = put_down(session, brought, place.media, _draft_owner(session, feed), now)
    session.flush()
    for row in rows:
        row.draft_id = draft.id


def _row(feed: Feed, post: Post, now: datetime, *, taken: bool) -> FeedPost:
    return FeedPost(feed_id=feed.id, key=post.key, title=post.title, url=post.link, seen_at=now, taken=taken)


def _draft_owner(session: Session, feed: Feed) -> int:
    """The feed's owner; if they may no longer write, the first team member who may."""
    able = [one.id for one in with_permission(session, Permission.WRITE)]
    return feed.owner_id if feed.owner_id in able and feed.owner_id else min(able)
