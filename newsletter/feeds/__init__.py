"""Feeds: words that stand elsewhere already, taken over as drafts that their owner looks at, or as articles to send.

`bring` takes one page over by its address. A `Feed` (`record`) is looked at by a worker at its time (`work`): what it
says is read (`parse`), and each new post becomes a draft, or a part of one (`posts`); where its owner has switched that
on an article, which `newsletter.feed_mail` sends.
"""

from newsletter.feeds.bring import Brought, NothingToRead, bring, put_down
from newsletter.feeds.parse import FeedText, NotAFeed, Post, read_feed
from newsletter.feeds.record import NEEDS_OWNER, Feed, FeedPost, Mailing, Makes, Rhythm, Sending, needing_owner
from newsletter.feeds.work import found, go_on, is_waiting, waits_to_be_sent

__all__ = [
    "NEEDS_OWNER",
    "Brought",
    "Feed",
    "FeedPost",
    "FeedText",
    "Mailing",
    "Makes",
    "NotAFeed",
    "NothingToRead",
    "Post",
    "Rhythm",
    "Sending",
    "bring",
    "found",
    "go_on",
    "is_waiting",
    "needing_owner",
    "put_down",
    "read_feed",
    "waits_to_be_sent",
]
