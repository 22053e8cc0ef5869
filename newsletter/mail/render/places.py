"""Where a value stands, and how it is written there so that it stays a value."""

import html
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import quote, urlsplit

SCHEMES = frozenset({"http", "https", "mailto", "tel"})
"""Where a link in an owner's text may lead."""
_URL_CHARACTERS = ":/?#[]@!$&'()*+,;=%~"  # RFC 3986 §2.2, and what is encoded already


class Place(StrEnum):
    """Of a value in a text."""

    TEXT = "text"
    """In an element or an attribute, or in plain text."""
    LINK = "link"
    """At the beginning of a link's address."""
    IN_LINK = "in link"
    """Inside it."""


Escaping = Mapping[Place, Callable[[str], str]]


def in_url(value: str) -> str:
    """A value as part of an address: "A&B C" is A%26B%20C (RFC 3986 §2.1)."""
    return quote(value, safe="@", errors="replace")


def as_url(value: str) -> str:
    """A whole address; "" for one that leads anywhere but to a page or a mailbox."""
    try:
        scheme = urlsplit(value).scheme
    except ValueError:
        return ""
    return quote(value, safe=_URL_CHARACTERS, errors="replace") if scheme in SCHEMES else ""


PLAIN: Escaping = MappingProxyType({Place.TEXT: str, Place.LINK: as_url, Place.IN_LINK: in_url})
HTML: Escaping = MappingProxyType(
    {Place.TEXT: html.escape, Place.LINK: lambda value: html.escape(as_url(value)), Place.IN_LINK: in_url}
)
