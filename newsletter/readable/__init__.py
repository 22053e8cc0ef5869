"""Readable: what somebody would read of a page of another site, as Markdown of ours.

What comes out is text: of a page's own code, styles, forms and frames nothing is taken over, whatever they say.
"""

from newsletter.readable.inline import address, plain
from newsletter.readable.markdown import Written, written
from newsletter.readable.page import Page, feeds_of, read
from newsletter.readable.tree import parsed

__all__ = ["Page", "Written", "address", "feeds_of", "parsed", "plain", "read", "written"]
