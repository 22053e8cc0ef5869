"""Escapes a value for its place, so that it stays a value."""

import html
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import quote, urlsplit

SCHEMES = frozenset({"http", "https", "mailto", "tel"})
"""Schemes a link in an owner's text may have."""
_URL_CHARACTERS = ":/?#[]@!$&'()*+,;=%~"  # RFC 3986 §2.2, and "%" of what is encoded already


class Place(StrEnum):
    """The place of a value in a text."""

    TEXT = "text"
    """In an element or an attribute, or in plain text."""
    LINK = "link"
    """At the start of a link's address."""
    IN_LINK = "in link"
    """Inside a link's address."""


Escaping = Mapping[Place, Callable[[str], str]]


def in_url(value: str) -> str:
    """Escape a value as part of an address: "A&B C" becomes A%26B%20C (RFC 3986 §2.1)."""
    return quote(value, safe="@", errors="replace")


def as_url(value: str) -> str:
    """Escape a whole address; return "" if its scheme is not in SCHEMES."""
    try:
        scheme = urlsplit(value).scheme
    except ValueError:
        return ""
    return quote(value, safe=_URL_CHARACTERS, errors="replace") if scheme in SCHEMES else ""


PLAIN: Escaping = MappingProxyType({Place.TEXT: str, Place.LINK: as_url, Place.IN_LINK: in_url})
HTML: Escaping = MappingProxyType(
    {Place.TEXT: html.escape, Place.LINK: lambda value: html.escape(as_url(value)), Place.IN_LINK: in_url}
)
