"""Feeds: words that stand elsewhere already, taken over as drafts that their owner looks at. Nothing is sent by itself.

`bring` takes one page over by its address. A `Feed` (`record`) is looked at by a worker at its time (`work`): what it
says is read (`parse`), and each new post becomes a draft, or a part of one (`posts`).
"""

from newsletter.feeds.bring import Brought, NothingToRead, bring, put_down
from newsletter.feeds.parse import FeedText, NotAFeed, Post, read_feed
from newsletter.feeds.record import NEEDS_OWNER, Feed, FeedPost, Makes, Rhythm, needing_owner
from newsletter.feeds.work import found, go_on, is_waiting

__all__ = [
    "NEEDS_OWNER",
    "Brought",
    "Feed",
    "FeedPost",
    "FeedText",
    "Makes",
    "NotAFeed",
    "NothingToRead",
    "Post",
    "Rhythm",
    "bring",
    "found",
    "go_on",
    "is_waiting",
    "needing_owner",
    "put_down",
    "read_feed",
]
