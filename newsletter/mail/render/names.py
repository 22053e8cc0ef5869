"""What an owner's text may name: the one list that editors, checks and the filling in read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from newsletter.brand import Brand

Value = str | tuple[str, ...]
Values = Mapping[str, Value]
"""Each name with its value: plain text (a list of texts for `brand.address_lines`), nothing that has methods to reach
for."""


class Kind(StrEnum):
    """What a name stands for."""

    TEXT = "text"
    LINK = "link"
    """A whole address; the only kind a link may begin with."""
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Name:
    """One name, and what it means to the owner."""

    name: str
    means: str
    kind: Kind = Kind.TEXT

    @property
    def code(self) -> str:
        """As it is written in a text."""
        return "{{ " + self.name + ('|join(", ")' if self.kind is Kind.LIST else "") + " }}"


IN_SERIES = "guide_pdf"
"""Known only in the series that follows a guide."""
OF_THE_NAME = frozenset({"greeting", "first_name"})
"""Made of the reader's first name alone."""
NAMES = MappingProxyType({
    one.name: one
    for one in (
        Name("greeting", "“Hello Jane”, or “Hello” where no name is known"),
        Name("first_name", "the first name; empty where none is known"),
        Name("library_url", "the reader's own page with their guides", Kind.LINK),
        Name("preferences_url", "the reader's choices", Kind.LINK),
        Name("view_url", "this mail in the browser", Kind.LINK),
        Name("unsubscribe_url", "the reader's way out (every mail has it at its foot anyway)", Kind.LINK),
        Name(IN_SERIES, "the reader's PDF of the guide; only in the series that follows one", Kind.LINK),
        Name("site_url", "the address of this site", Kind.LINK),
        Name("brand.name", "your name, from Settings (so are the next ones)"),
        Name("brand.strapline", "your strapline"),
        Name("brand.author", "who writes"),
        Name("brand.email", "the sender's address"),
        Name("brand.phone", "your telephone number"),
        Name("brand.website", "your website", Kind.LINK),
        Name("brand.booking", "where readers book a talk with you; empty where you have set no link", Kind.LINK),
        Name("brand.address_line", "name and postal address on one line"),
        Name("brand.address_lines", "the lines of the postal address, put together", Kind.LIST),
    )
})  # fmt: skip
OF_THE_BRAND = frozenset(name for name in NAMES if name.startswith("brand.")) | {"site_url"}
"""The same for every reader; all that a page of the site may name."""


def of_brand(brand: Brand, site: str) -> dict[str, Value]:
    """The values that are the same for every reader."""
    return {
        "site_url": site,
        "brand.name": brand.name,
        "brand.strapline": brand.strapline,
        "brand.author": brand.author,
        "brand.email": brand.email,
        "brand.phone": brand.phone,
        "brand.website": brand.website,
        "brand.booking": brand.booking,
        "brand.address_line": brand.address_line,
        "brand.address_lines": tuple(brand.address_lines),
    }
