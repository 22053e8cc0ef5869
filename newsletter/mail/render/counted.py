"""Links whose clicks may be counted: which those are, and how their destination travels in the address.

Never the reader's own (leaving, choices, library, this mail in the browser), never one made of what is held of a
reader, and never one whose visible words are an address: what a reader sees is where it leads.
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
"""Octets of a destination. A longer one is left as it is: sealed it would be more than mail programs follow."""
OWN_PAGES = ("c", "confirm", "download", "library", "not-me", "own", "owner", "preferences", "unsubscribe", "view")
"""Of our own site: what is somebody's own, and what has been counted already."""
MOST_COUNTED = 255
_HEAD = Struct(">BI")
_SAFE = re.compile(r"(?i:https?)://[!-~]+")
_AN_ADDRESS = re.compile(r"\S*(?:://|www\.)\S*|[^\s/@]+\.[^\s/@.]{2,}(?:[/?#:]\S*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a link leads whose clicks are counted."""

    address: str
    links: int
    """How many such links its mail has: whoever follows all of them within a moment is a machine."""
    revision: int
    """Whose words it stands in: a click counts for mails in these words only."""

    def sealed(self, signer: Signer) -> str:
        """As it stands in the address of a click."""
        head = _HEAD.pack(min(self.links, MOST_COUNTED), self.revision & 0xFFFF_FFFF)
        return signer.sealed(Purpose.LINK, head + self.address.encode())

    @classmethod
    def read(cls, signer: Signer, token: str) -> Self:
        """What `sealed` made. Raises BadLink."""
        if len(token) > 2 * LONGEST:
            raise BadLink
        payload = signer.opened(Purpose.LINK, token)
        address = payload[_HEAD.size :].decode("utf-8", "replace")
        if not is_safe(address):
            raise BadLink
        links, revision = _HEAD.unpack(payload[: _HEAD.size])
        return cls(address, links, revision)


def is_of_revision(destination: Destination, revision: int) -> bool:
    """Whether the link stood in these words."""
    return destination.revision == revision & 0xFFFF_FFFF


def is_safe(address: str) -> bool:
    """Whether this can stand in a Location header as it is: a page's address in visible ASCII (RFC 9110 §10.2.2)."""
    return len(address) <= LONGEST and _SAFE.fullmatch(address) is not None


def may_be_counted(address: str, words: Sequence[Token], is_auto: bool, codes: Sequence[Code]) -> bool:
    """Whether a link is one of those, by its address and its words as they stand in the text, with codes hidden."""
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
    """Whether it leads to a page of our own site that belongs to one person."""
    inside = address.removeprefix(f"{site}/") if address.startswith(f"{site}/") else ""
    return re.split(r"[/?#]", inside, maxsplit=1)[0] in OWN_PAGES


@dataclass(frozen=True, slots=True)
class Counted:
    """The links of one mail whose clicks are counted."""

    signer: Signer
    site: str
    revision: int
    message: int
    links: int = 0
    """How many there are; each says so."""

    @classmethod
    def of(cls, signer: Signer, site: str, revision: int, message: int, addresses: Iterable[str]) -> Self:
        """Those among the links to these addresses."""
        one = cls(signer=signer, site=site, revision=revision, message=message)
        return replace(one, links=len(set(filter(one.counts, addresses))))

    def counts(self, address: str) -> bool:
        """Whether clicks of a link to this address are counted."""
        return is_safe(address) and not is_own_page(address, self.site)

    def leading(self, address: str) -> str:
        """The address that stands in the mail instead of a link's own."""
        if not self.counts(address):
            return address
        sealed = Destination(address, self.links, self.revision).sealed(self.signer)
        tag = self.signer.token(Purpose.CLICK, self.message)
        return f"{self.site}/c/{sealed}.{tag}"
