"""Throw-away mail domains: where anybody reads an address, or nobody does after an hour. A list that the owner edits.

One domain a line, in the letters that people read or as an A-label (RFC 5891 §4.4); behind a # stands what is for the
owner. Those below a listed domain count too.
"""

import re
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache

import idna
from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.db import Base, Id
from newsletter.languages import said
from newsletter.settings import ROOT

LONGEST = 1_000_000
"""Characters of a list."""
MOST = 20_000
"""Domains in one: as many as the longest public lists of those that are still in use."""
_DOMAIN = re.compile(r"(?!.{254})([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])\Z")
_REGISTRY = re.compile(r"(ac|co|com|edu|gob|gov|ltd|me|ne|net|nhs|or|org|plc|sch)\.[a-z]{2}\Z")
"""Such as co.uk: everybody's domains are below it."""
_read: dict[str, frozenset[str]] = {}
"""The owner's list as it was read last, by its fingerprint."""


class ThrowawayList(Base):
    """A list of the owner's. It may be long, so it stands apart from the row of the brand, which every page reads."""

    __tablename__ = "throwaway_lists"

    brand_id: Mapped[int] = mapped_column(Id, ForeignKey("brand.id"), primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
    """As it was typed."""


class BadDomains(ValueError):
    """A line of the list is no domain that can stand there; the message says which and what to do."""


@lru_cache(1)
def our_text() -> str:
    """The list that a new install begins with, as its owner reads it."""
    return (ROOT / "content" / "throwaway-domains.txt").read_text(encoding="utf-8")


@lru_cache(1)
def ours() -> frozenset[str]:
    """Its domains."""
    return listed(our_text())


def remembered(fingerprint: str, text: Callable[[], str]) -> frozenset[str]:
    """The domains of an owner's list; it is asked for, and read, only where the one before had other words."""
    found = _read.get(fingerprint)
    if found is None:
        found = listed(text())
        _read.clear()
        _read[fingerprint] = found
    return found


def listed(text: str) -> frozenset[str]:
    """The domains of a list that was checked, as A-labels in lower case."""
    return frozenset(_domain(written) for _, written in _lines(text))


def check(typed: str, own: str) -> None:
    """Raise BadDomains for a list that cannot be gone by. `own`: the domain (A-labels) of the owner's address."""
    if len(typed) > LONGEST:
        raise BadDomains(said("This list is too long; %(longest)s characters are the most.", longest=LONGEST))
    for number, written in _lines(typed):
        _check(written, number, own)
    if (found := len(listed(typed))) > MOST:
        raise BadDomains(
            said("These are %(number)s domains; %(most)s are the most. Please leave some out.", number=found, most=MOST)
        )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines in which something stands before a #, with their numbers."""
    for number, line in enumerate(text.split("\n"), 1):
        if written := line.partition("#")[0].strip():
            yield number, written


def _domain(written: str) -> str:
    return a_labels(written.removeprefix("@").removesuffix("."))


def _check(written: str, number: int, own: str) -> None:
    shown = {"number": number, "line": written[:60]}
    if "*" in written:
        raise BadDomains(
            said("Line %(number)s, “%(line)s”: please write the domain alone, without *. Those below it count anyway.",
                 **shown)
        )  # fmt: skip
    domain = _domain(written)
    if not _DOMAIN.match(domain):
        raise BadDomains(
            said("Line %(number)s, “%(line)s”, is no domain; one looks like mailinator.com. One a line, and a note "
                 "behind a #.", **shown)
        )  # fmt: skip
    if _REGISTRY.match(domain):
        raise BadDomains(
            said("Line %(number)s, “%(line)s”: everybody’s domains are below this one. Please write the whole domain.",
                 **shown)
        )  # fmt: skip
    if own and covers({domain}, own):
        raise BadDomains(
            said("Line %(number)s, “%(line)s”: your own mail comes from there. Please take this line out.", **shown)
        )


def a_labels(domain: str) -> str:
    """A domain as it travels: A-labels, in lower case (UTS #46, as addresses are read); as it is where it is none."""
    if domain.isascii() or len(domain) > 253:  # no name is longer (RFC 1035 §3.1), and reading a long one takes long
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain


def covers(listed: Collection[str], domain: str) -> bool:
    """Whether a domain (A-labels, lower case) is listed, or below one that is."""
    labels = domain.split(".")
    return any(".".join(labels[first:]) in listed for first in range(len(labels)))
