"""Slugs: a title as it stands in an address, and the next free one where it is taken."""

import re
import unicodedata
from collections.abc import Collection


def slugify(title: str, otherwise: str = "article") -> str:
    """A title as it stands in an address: ASCII, lower case, hyphens; `otherwise` where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", title.replace("'", "").replace("’", "")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:100] or otherwise


def numbered(wanted: str, taken: Collection[str]) -> str:
    """This name, or the next one behind it that is not taken: `walking-2`."""
    every = (wanted if number == 1 else f"{wanted}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in every if name not in taken)
