"""Fetches a page, feed or picture from a URL that somebody typed.

The URL is untrusted: private networks are unreachable (no server-side request forgery), and size and time are bounded.
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
