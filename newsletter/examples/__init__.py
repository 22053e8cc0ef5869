"""Examples: what a new install was planted with, as long as nobody has made it their own or got anything of it.

Nothing marks a planted row: it is known by its slug, which no version takes back from the list in `planted`, and by a
first revision that nobody has written. So a database that an earlier version has planted needs nothing.
"""

from newsletter.examples.listed import are_there, listed
from newsletter.examples.planted import ARTICLES, GUIDES, TOPICS, Example, Kind, Stays, going
from newsletter.examples.remove import remove

__all__ = ["ARTICLES", "GUIDES", "TOPICS", "Example", "Kind", "Stays", "are_there", "going", "listed", "remove"]
