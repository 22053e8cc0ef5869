"""Extracts the address from a cell: `Jane <jane@example.com>`, `mailto:…`, invisible characters."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from newsletter import slips
from newsletter.imports.report import Flaw
from newsletter.subscribers import Address, BadAddress, read_address

_INSIDE = re.compile(r"(.*?)<([^<>]*)>[\s,;.]*", re.S)
_PLAIN = re.compile(r"[A-Za-z0-9_+-]{1,64}(?:\.[A-Za-z0-9_+-]+)*")
_NOTHING = frozenset({"NULL", "null", "\\N", "None", "nil"})
_NO_DATE = re.compile(r"0000-00-00(?:[T ]00:00(?::00(?:\.0*)?)?Z?)?")
"""MySQL's zero date."""
_GUARD = re.compile(r"'+[=+\-@\t\r]")


class BadRow(ValueError):
    """An unusable row; `flaw` says why."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw)
        self.flaw = flaw


class Found(NamedTuple):
    """An address, and the name found in the same cell."""

    address: Address
    name: str = ""


def unguarded(cell: str) -> str:
    """A cell stripped of whitespace and of the apostrophe that our export puts before a formula."""
    cell = cell.strip()
    return cell[1:] if cell[:1] == "'" and _GUARD.match(cell) else cell


def bare(cell: str) -> str:
    """`unguarded`, also without invisible characters; "" for a database's null values."""
    if not cell.isascii() or "\0" in cell:
        cell = "".join(c for c in cell if c != "\0" and unicodedata.category(c) != "Cf")
    cell = unguarded(cell)
    return "" if cell in _NOTHING or (cell[:4] == "0000" and _NO_DATE.fullmatch(cell)) else cell


def find_address(cell: str) -> Found:
    """The one address in a cell already passed through `bare`. Raises BadRow."""
    name, text = "", cell
    if "<" in text and (inside := _INSIDE.fullmatch(text)) is not None:
        name, text = inside[1].strip().strip("\"'").strip(), inside[2]
    text = text.strip()
    if text[:7].lower() == "mailto:":
        text = unquote(text[7:].partition("?")[0])
    text = text.strip().strip(",;").strip()
    if not text:
        raise BadRow(Flaw.NO_ADDRESS)
    try:
        return Found(_read(text), name)
    except BadAddress:
        parts = [part for part in re.split(r"[\s,;|/]+", text) if "@" in part]
        several = len(parts) > 1 or (text.count("@") > 1 and text.count("<") > 1)
        raise BadRow(Flaw.SEVERAL_ADDRESSES if several else Flaw.BAD_ADDRESS) from None


@lru_cache(20_000)
def looks_misspelt(domain: str) -> bool:
    """Whether a domain may be a slip of a big provider's."""
    return slips.meant(domain) is not None


def _read(text: str) -> Address:
    """`read_address`, with the domain's validation cached: many addresses share one."""
    local, at, domain = text.rpartition("@")
    if at and len(local) <= 64 and len(domain) <= 180 and _PLAIN.fullmatch(local):
        known = _domain(domain)
        return Address(email=f"{local}@{known}", key=f"{local.lower()}@{known}")
    return read_address(text)


@lru_cache(20_000)
def _domain(domain: str) -> str:
    return read_address(f"a@{domain}").email.removeprefix("a@")
