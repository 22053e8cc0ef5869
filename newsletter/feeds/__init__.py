"""Feeds: content published elsewhere, imported as drafts for review or as articles to send.

`bring` imports a single page. A worker checks each `Feed` (`record`) on schedule (`work`), parses it (`parse`) and
turns new posts into drafts or a digest (`posts`) or, if the owner switched that on, into articles that
`newsletter.feed_mail` sends.
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
