"""Readable: extracts the article of another site's page as Markdown.

Only text, links and pictures are kept, never the page's scripts, styles, forms or frames.
"""

from newsletter.readable.inline import address, plain
from newsletter.readable.markdown import Written, written
from newsletter.readable.page import Page, feeds_of, read
from newsletter.readable.tree import parsed

__all__ = ["Page", "Written", "address", "feeds_of", "parsed", "plain", "read", "written"]
