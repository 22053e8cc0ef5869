"""Fetching what stands at an address that somebody typed: a page, a feed or a picture of another site.

It may be typed by anybody who has a key to this installation, and lead anywhere: so nothing of the network that this
machine stands in can be reached (server-side request forgery), and no answer costs more than we meant to spend.
"""

from newsletter.fetch.fetched import FEEDS, NEVER_SEEN, PAGES, PICTURES, Fetched, Version
from newsletter.fetch.fetcher import PATIENCE, Fetcher, Unchanged
from newsletter.fetch.trouble import NotFetched, Trouble, in_words

__all__ = [
    "FEEDS",
    "NEVER_SEEN",
    "PAGES",
    "PATIENCE",
    "PICTURES",
    "Fetched",
    "Fetcher",
    "NotFetched",
    "Trouble",
    "Unchanged",
    "Version",
    "in_words",
]
