"""The names an owner's text may use: the one list for editors, checks and rendering."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from newsletter.brand import Brand
from newsletter.languages import Language, marked, said
from newsletter.subscribers import BUILT_IN, FIRST_NAME, OWN, FieldKind, Fields, MergeField

Value = str | tuple[str, ...]
Values = Mapping[str, Value]
"""Each name with its value: plain text, or a tuple of texts for `brand.address_lines`; never an object with methods to
reach."""


class Kind(StrEnum):
    """The kind of a name's value."""

    TEXT = "text"
    LINK = "link"
    """A whole address; the only kind that may start a link."""
    LIST = "list"
    NUMBER = "number"
    """Compared as a number."""
    DATE = "date"
    """Stored as 1960-05-03; displayed as 3 May 1960 unless the text asks for another form."""
    YES_NO = "yes_no"
    """True in a condition if it is yes."""


_KINDS = {FieldKind.NUMBER: Kind.NUMBER, FieldKind.DATE: Kind.DATE, FieldKind.YES_NO: Kind.YES_NO}


@dataclass(frozen=True, slots=True)
class Name:
    """One name, and its explanation for the owner."""

    name: str
    means: str
    kind: Kind = Kind.TEXT
    fallback: str = ""
    """Used if the value is empty and the text gives no default of its own."""

    @classmethod
    def of_field(cls, field: MergeField) -> "Name":
        """The name of a merge field."""
        means: str = field.means
        if field.fallback:
            means = said("%(field)s; where it is not known: “%(fallback)s”", field=field.means, fallback=field.fallback)
        return cls(name=field.name, means=means, kind=_KINDS.get(field.kind, Kind.TEXT), fallback=field.fallback)

    @property
    def code(self) -> str:
        """The code to write in a text."""
        return "{{ " + self.name + ('|join(", ")' if self.kind is Kind.LIST else "") + " }}"


IN_SERIES = "guide_pdf"
"""Known only in the series that follows a guide."""
GREETING = "greeting"
MADE_OF = {GREETING: FIRST_NAME}
"""The field that a derived name is made of."""
NAMES = MappingProxyType({
    one.name: one
    for one in (
        Name(GREETING, marked("“Hello Jane”, or “Hello” where no name is known")),
        *map(Name.of_field, BUILT_IN),
        Name("library_url", marked("the reader's own page with their guides"), Kind.LINK),
        Name("preferences_url", marked("the reader's choices"), Kind.LINK),
        Name("view_url", marked("this mail in the browser"), Kind.LINK),
        Name("unsubscribe_url", marked("the reader's way out (every mail has it at its foot anyway)"), Kind.LINK),
        Name(IN_SERIES, marked("the reader's PDF of the guide; only in the series that follows one"), Kind.LINK),
        Name("site_url", marked("the address of this site"), Kind.LINK),
        Name("brand.name", marked("your name, from Settings (so are the next ones)")),
        Name("brand.strapline", marked("your strapline")),
        Name("brand.author", marked("who writes")),
        Name("brand.email", marked("the sender's address")),
        Name("brand.phone", marked("your telephone number")),
        Name("brand.website", marked("your website"), Kind.LINK),
        Name("brand.booking", marked("where readers book a talk with you; empty where you have set no link"),
             Kind.LINK),
        Name("brand.address_line", marked("name and postal address on one line")),
        Name("brand.address_lines", marked("the lines of the postal address, put together"), Kind.LIST),
    )
})  # fmt: skip
OF_THE_BRAND = frozenset(name for name in NAMES if name.startswith("brand.")) | {"site_url"}
"""Names with the same value for every reader, which pages of the site may use too."""
FOR_PAGES = (
    *(NAMES[name] for name in NAMES if name in OF_THE_BRAND),
    Name("clicks_counted", marked("whether clicks of links in mails are counted")),
    Name("clicks_held", marked("whether some were counted at some time, and may be held")),
)
"""All that a page of the site may use; it may ask about counted clicks so that its sentences are true."""
_OF_THE_READER = frozenset({*(one.name for one in BUILT_IN), *MADE_OF})
Known = Mapping[str, Name]
"""The names a text may use."""


def names_for_readers(own: Iterable[MergeField] = ()) -> tuple[Name, ...]:
    """All names a text for readers may use, built-in ones first, then the owner's own fields."""
    return (*NAMES.values(), *map(Name.of_field, own))


def is_of_reader(name: str) -> bool:
    """Whether a name is a reader's field, or derived from one."""
    return name in _OF_THE_READER or name.startswith(OWN)


def greeting(first_name: str, language: Language) -> str:
    """A mail's greeting; `first_name` is "" if not known."""
    _ = language.gettext
    return _("Hello %(name)s") % {"name": first_name} if first_name else _("Hello")


def of_reader(fields: Fields, language: Language) -> dict[str, str]:
    """The values of all names made of a reader's fields, for a mail in this language."""
    first_name = fields.get(FIRST_NAME, "")
    return {**fields, FIRST_NAME: first_name, GREETING: greeting(first_name, language)}


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


def of_pages(brand: Brand, site: str) -> dict[str, Value]:
    """The values a page of the site is filled in with."""
    facts = {"clicks_counted": brand.counts_clicks, "clicks_held": brand.has_counted_clicks}
    return of_brand(brand, site) | {name: "yes" if so else "" for name, so in facts.items()}
