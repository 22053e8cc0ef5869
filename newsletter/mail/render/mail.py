"""What goes into a rendered mail and what comes out of it."""

import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from newsletter.brand import Brand
from newsletter.languages import Language
from newsletter.subscribers import Fields, MergeField, Stream

_GREETING = re.compile(r"\A\s*\{\{\s*greeting\s*\}\}[,.!]?\s*\n")

NO_FIELDS: Fields = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Content:
    """The words of an article at one revision."""

    subject: str
    preheader: str
    body: str
    own: tuple[MergeField, ...] = ()
    """The owner's own fields that there are; the words may name them."""
    counts_clicks: bool = False
    """Whether who follows a link of it may be counted, where clicks are counted at all."""

    @property
    def words(self) -> tuple[str, str, str]:
        """What was written."""
        return self.subject, self.preheader, self.body


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a mail is for: what its variables and links are made of. `message` 0: no message, a preview."""

    subscriber: int
    fields: Fields = field(default_factory=dict)
    message: int = 0


@dataclass(slots=True)
class RenderedMessage:
    """A complete message and its envelope. Not frozen: a million of them are made, and that would double their cost."""

    sender: str
    recipient: str
    data: bytes
    seven_bit: bool | None = None
    """Whether every octet of `data` is below 128; None: nobody has looked."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The three parts of a mail as a person sees them."""

    subject: str
    text: str
    html: str


def fields_for(stream: Stream, fields: Fields) -> Fields:
    """What such a mail may say of its reader: nothing where the address is not proven, for it may be a stranger's."""
    return NO_FIELDS if stream in (Stream.CONFIRM, Stream.REMINDER, Stream.PROVE) else fields


def ungreeted(words: Content) -> Content:
    """The same without the greeting that they begin with."""
    return replace(words, body=_GREETING.sub("", words.body))


def one_line(text: str) -> str:
    """A subject or a preheader as it goes out: runs of white space, line ends too, become one space."""
    return " ".join(text.split())


def why(stream: Stream, brand: Brand, language: Language) -> str:
    """Why a reader gets a bulk mail, as it says itself."""
    _ = language.gettext
    if stream is Stream.STEP:
        told = _("You get this short series because you asked %(brand)s for a guide.")
    else:
        told = _("You get this because you subscribed to the %(brand)s newsletter.")
    return told % {"brand": brand.name}
