"""Links whose clicks may be counted: which these are, and how their address carries the destination.

Never a reader's own links (unsubscribe, preferences, library, view in browser), never one made of a reader's data, and
never one whose visible text is an address: what a reader sees is where it leads.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from struct import Struct
from typing import Self

from markdown_it.token import Token

from newsletter.links import BadLink, Purpose, Signer
from newsletter.mail.render.code import WORD, Code, code_of
from newsletter.mail.render.names import OF_THE_BRAND

LONGEST = 2_000
"""Octets of a destination. A longer one is not counted: sealed, it would be longer than mail programs follow."""
OWN_PAGES = ("c", "confirm", "download", "library", "not-me", "own", "owner", "preferences", "unsubscribe", "view")
"""First path segments of our own pages that belong to one person or are counted already."""
MOST_COUNTED = 255
_HEAD = Struct(">BI")
_SAFE = re.compile(r"(?i:https?)://[!-~]+")
_AN_ADDRESS = re.compile(r"\S*(?:://|www\.)\S*|[^\s/@]+\.[^\s/@.]{2,}(?:[/?#:]\S*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Destination:
    """The destination of a link whose clicks are counted."""

    address: str
    links: int
    """How many such links the mail has: a visitor who follows all of them at once is a machine."""
    revision: int
    """The revision it is in: a click counts only for mails of this revision."""

    def sealed(self, signer: Signer) -> str:
        """It as carried in a click's address."""
        head = _HEAD.pack(min(self.links, MOST_COUNTED), self.revision & 0xFFFF_FFFF)
        return signer.sealed(Purpose.LINK, head + self.address.encode())

    @classmethod
    def read(cls, signer: Signer, token: str) -> Self:
        """Read what `sealed` made. Raises BadLink."""
        if len(token) > 2 * LONGEST:
            raise BadLink
        payload = signer.opened(Purpose.LINK, token)
        address = payload[_HEAD.size :].decode("utf-8", "replace")
        if not is_safe(address):
            raise BadLink
        links, revision = _HEAD.unpack(payload[: _HEAD.size])
        return cls(address, links, revision)


def is_of_revision(destination: Destination, revision: int) -> bool:
    """Whether the link was in this revision."""
    return destination.revision == revision & 0xFFFF_FFFF


def is_safe(address: str) -> bool:
    """Whether a Location header can hold it as it is: a page's address in visible ASCII (RFC 9110 §10.2.2)."""
    return len(address) <= LONGEST and _SAFE.fullmatch(address) is not None


def may_be_counted(address: str, words: Sequence[Token], is_auto: bool, codes: Sequence[Code]) -> bool:
    """Whether a link's clicks may be counted, judged by its address and text with codes hidden."""
    if is_auto or not _is_everybodys(address, codes):
        return False
    said = "".join(one.content for one in words if one.type in ("text", "code_inline")).strip()
    return not (_AN_ADDRESS.fullmatch(said) or any(_is_link(match, codes) for match in WORD.finditer(said)))


def _is_everybodys(address: str, codes: Sequence[Code]) -> bool:
    """Whether it is the same for every reader, and leads to a page."""
    named = [code_of(match, codes).expression for match in WORD.finditer(address)]
    if any(one is not None and not one.names <= OF_THE_BRAND for one in named):
        return False
    return bool(WORD.match(address)) or address.lower().startswith(("http://", "https://"))


def _is_link(word: re.Match[str], codes: Sequence[Code]) -> bool:
    expression = code_of(word, codes).expression
    return expression is not None and expression.link


def is_own_page(address: str, site: str) -> bool:
    """Whether it leads to one of OWN_PAGES on our own site."""
    inside = address.removeprefix(f"{site}/") if address.startswith(f"{site}/") else ""
    return re.split(r"[/?#]", inside, maxsplit=1)[0] in OWN_PAGES


@dataclass(frozen=True, slots=True)
class Counted:
    """Replaces the addresses of one mail's links whose clicks are counted."""

    signer: Signer
    site: str
    revision: int
    message: int
    links: int = 0
    """How many there are; each carries this number."""

    @classmethod
    def of(cls, signer: Signer, site: str, revision: int, message: int, addresses: Iterable[str]) -> Self:
        """It for a mail with links to these addresses."""
        one = cls(signer=signer, site=site, revision=revision, message=message)
        return replace(one, links=len(set(filter(one.counts, addresses))))

    def counts(self, address: str) -> bool:
        """Whether clicks on a link to this address are counted."""
        return is_safe(address) and not is_own_page(address, self.site)

    def leading(self, address: str) -> str:
        """The address the mail has in place of a link's own."""
        if not self.counts(address):
            return address
        sealed = Destination(address, self.links, self.revision).sealed(self.signer)
        tag = self.signer.token(Purpose.CLICK, self.message)
        return f"{self.site}/c/{sealed}.{tag}"
