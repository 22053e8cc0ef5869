"""The types that go into rendering a mail and come out of it."""

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
    """An article's text at one revision."""

    subject: str
    preheader: str
    body: str
    own: tuple[MergeField, ...] = ()
    """The owner's own fields, which the text may use."""
    counts_clicks: bool = False
    """Whether clicks on its links may be counted, if the brand counts clicks at all."""

    @property
    def words(self) -> tuple[str, str, str]:
        """Subject, preheader and body."""
        return self.subject, self.preheader, self.body


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a mail is for: the source of its variables and links. `message` 0: a preview."""

    subscriber: int
    fields: Fields = field(default_factory=dict)
    message: int = 0


@dataclass(slots=True)
class RenderedMessage:
    """A complete message and its envelope. Not frozen: that would double the cost, and a campaign makes a million."""

    sender: str
    recipient: str
    data: bytes
    seven_bit: bool | None = None
    """Whether every octet of `data` is below 128; None: not known."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The parts of a mail that a person sees."""

    subject: str
    text: str
    html: str


def fields_for(stream: Stream, fields: Fields) -> Fields:
    """The fields such a mail may use: none while the address is unproven, because it may be a stranger's."""
    return NO_FIELDS if stream in (Stream.CONFIRM, Stream.REMINDER, Stream.PROVE) else fields


def ungreeted(words: Content) -> Content:
    """Content without its opening greeting."""
    return replace(words, body=_GREETING.sub("", words.body))


def one_line(text: str) -> str:
    """A subject or preheader as sent: runs of white space, line ends too, become one space."""
    return " ".join(text.split())


def why(stream: Stream, brand: Brand, language: Language) -> str:
    """The sentence in a bulk mail that says why its reader gets it."""
    _ = language.gettext
    if stream is Stream.STEP:
        sentence = _("You get this short series because you asked %(brand)s for a guide.")
    else:
        sentence = _("You get this because you subscribed to the %(brand)s newsletter.")
    return sentence % {"brand": brand.name}
