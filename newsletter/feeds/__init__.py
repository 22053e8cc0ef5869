"""Feeds: words that stand elsewhere already, taken over as drafts that their owner looks at. Nothing is sent by itself.

`bring` takes one page over by its address.
"""

from newsletter.feeds.bring import Brought, NothingToRead, bring, carry, put_down

__all__ = ["Brought", "NothingToRead", "bring", "carry", "put_down"]
