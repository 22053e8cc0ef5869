"""Drafts: renders a mail for a reader who does not exist, and finds in it what belongs to that reader."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

from newsletter.brand import Brand
from newsletter.languages import Language
from newsletter.links import Purpose, Signer
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.render import mime
from newsletter.mail.render.dkim import Dkim, fields
from newsletter.mail.render.expression import Expression
from newsletter.mail.render.mail import Content, RenderedMessage
from newsletter.mail.render.names import is_of_reader
from newsletter.mail.render.places import in_url
from newsletter.mail.render.skeleton import (
    CLICK,
    LIBRARY,
    LINES,
    PERSONAL,
    PREFERENCES,
    SOFT,
    SUBJECT,
    TAG,
    UNSUBSCRIBE,
    VIEW,
    Phrase,
    Place,
    Seal,
    Skeleton,
    by_fields,
    open_ended,
)  # fmt: skip
from newsletter.mail.render.template import Output
from newsletter.subscribers import Fields, Stream
from newsletter.theme import Look, theme_of

NOBODY = 0xF1D2_C3B4_A596_8778
"""The ids of the reader who does not exist, and of their message: no database assigns a 64-bit id."""
ONCE = datetime(2001, 1, 1, tzinfo=UTC)
STRANGERS = (
    "",
    "Anna",
    ".From \xa0\"=?utf-8?\" <b>{{7*7}}</b>\\ & 'Zoë', 李 👩🏽‍⚕️ %s%% &quot;=3D " + "ö" * 30,
)
"""Field values a skeleton must get right before it is used."""
_MARK = re.compile(rb"\0(\d+)\0")
_NAMED = re.compile(r'zqs(\d+|subject|preheader)("|&quot;|%22)sqz')


@dataclass(frozen=True, slots=True)
class Form:
    """All that one skeleton depends on, by value: the cache key."""

    stream: Stream
    revision_id: int | None
    dispatch_id: int | None
    guide: str | None
    accent: str
    words: Content
    brand: tuple[tuple[str, Any], ...]
    look: Look
    frame: str

    def to_brand(self) -> Brand:
        """The brand, detached: the session of the first caller ends before the skeleton does."""
        return Brand(**dict(self.brand), theme=theme_of(self.look, self.frame))

    def sample(self, subscriber: int, id: int, fields: Fields) -> ClaimedMessage:
        """A claimed message of this form that is never sent."""
        context = {"guide": self.guide, "accent": self.accent}
        address = "reader@example.invalid"
        return ClaimedMessage(
            id=id,
            stream=self.stream,
            attempts=0,
            created_at=ONCE,
            subscriber_id=subscriber,
            email=address,
            fields=fields,
            revision_id=self.revision_id,
            dispatch_id=self.dispatch_id,
            context=context,
        )


class NoSkeleton(Exception):
    """The mail must be composed for each reader; the message says why."""


def _as_text(value: str) -> str:
    return value


def _in_element(value: str) -> str:
    """Escape text in an element as an HTML serialiser does (HTML Standard §13.3, "escaping a string")."""
    return value.replace("&", "&amp;").replace("\xa0", "&nbsp;").replace("<", "&lt;").replace(">", "&gt;")


def _in_attribute(value: str) -> str:
    return value.replace("&", "&amp;").replace("\xa0", "&nbsp;").replace('"', "&quot;")


def gap(place: int) -> bytes:
    """The mark of a gap; NUL never occurs in an encoded mail."""
    return b"\0%d\0" % place


class Draft:
    """Turns a mail rendered for a reader who does not exist into a skeleton."""

    def __init__(self, signer: Signer, language: Language) -> None:
        self._signer = signer
        self._language = language
        self._numbers = {
            signer.message_tag(NOBODY): TAG,
            self._signed(Purpose.UNSUBSCRIBE, NOBODY, NOBODY): UNSUBSCRIBE,
            self._signed(Purpose.PREFERENCES, NOBODY): PREFERENCES,
            self._signed(Purpose.VIEW, NOBODY): VIEW,
            self._signed(Purpose.CLICK, NOBODY): CLICK,
            signer.token(Purpose.LIBRARY, NOBODY): LIBRARY,
        }
        self._any_number = re.compile("|".join(map(re.escape, self._numbers)))
        self._anything = re.compile(f"{self._any_number.pattern}|{_NAMED.pattern}")
        self._phrases: dict[str, Phrase] = {}
        self._sources: dict[str, str] = {}
        self._places: list[Place] = []

    def _signed(self, purpose: Purpose, *numbers: int) -> str:
        """A token without its key's id, which is the same for every reader and stays in the template."""
        return self._signer.token(purpose, *numbers).removesuffix(self._signer.key_id)

    def stand_in(self, output: Output, value: str) -> str:
        """A stand-in for an output made of the reader's fields, and any other output's value.

        Its quotation mark is escaped differently in an element, an attribute and an address, which shows the place.
        """
        if not any(map(is_of_reader, output.expression.names)):
            return value
        key = self._sources.setdefault(output.code.source, str(len(self._sources)))
        self._phrases[key] = Phrase((output.expression,))
        return f'zqs{key}"sqz'

    def line(self, variable: str, words: str) -> str:
        """A subject or preheader filled with `stand_in`: as it is, or one stand-in for the whole line."""
        if self._any_number.search(words):
            raise NoSkeleton(f"there is more than fields in the {variable}")
        pieces: list[str | Expression] = []
        end = 0
        for found in _NAMED.finditer(words):
            if found[1] not in self._phrases:
                raise NoSkeleton("its text holds a word that stands in for another")
            pieces += [words[end : found.start()], *self._phrases[found[1]].pieces]
            end = found.end()
        if not pieces:
            return words
        self._phrases[variable] = Phrase((*pieces, words[end:]), single=True)
        return f'zqs{variable}"sqz'

    def subject(self, seen: str) -> bytes:
        """The Subject line of a mail rendered with `line`: the same for all readers, or a gap."""
        return gap(SUBJECT) if "subject" in self._phrases else mime.text_header("Subject", seen)

    def part(self, subtype: str, text: str) -> bytes:
        """A text part with gaps."""
        out, end = [mime.text_part(subtype, "").removesuffix(mime.CRLF)], 0
        for match in self._anything.finditer(text):
            out.append(open_ended(text[end : match.start()]))
            out.append(self._gap(subtype, match))
            end = match.end()
        return b"".join([*out, mime.quoted_printable(text[end:])])

    def _gap(self, subtype: str, match: re.Match[str]) -> bytes:
        if not match[1]:
            return gap(self._numbers[match[0]]) + SOFT
        if match[1] not in self._phrases:
            raise NoSkeleton("its text holds a word that stands in for another")
        escaped = in_url if match[2] == "%22" else _as_text
        if subtype != "plain" and escaped is _as_text:
            escaped = _in_element if match[2] == '"' else _in_attribute
        place = (self._phrases[match[1]], escaped)
        if place not in self._places:
            self._places.append(place)
        return gap(PERSONAL + self._places.index(place))

    def skeleton(self, message: bytes, return_path: str, slow: Callable[[ClaimedMessage, datetime], RenderedMessage],
                 dkim: Dkim | None) -> Skeleton:  # fmt: skip
        """The skeleton of a complete message: header lines as rendered, parts made by `part`."""
        for stand_in, place in self._numbers.items():
            message = message.replace(stand_in.encode(), gap(place))
        template, gaps = _template(message)
        subject, seal = self._phrases.get("subject"), _seal(message, dkim) if dkim else None
        groups = by_fields(subject, self._places, self._language)
        order = {place: number for number, place in enumerate(place for group in groups for place in group.places)}
        moved = [order[place] for place in self._places]
        gaps = tuple(gap if gap < PERSONAL else PERSONAL + moved[gap - PERSONAL] for gap in gaps)
        return Skeleton(
            signer=self._signer,
            return_path=return_path,
            slow=slow,
            template=template,
            gaps=gaps,
            groups=groups,
            seal=seal,
        )


def _template(marked: bytes) -> tuple[bytes, tuple[int, ...]]:
    """A template for `%`, and the places of the values it takes, in order."""
    gaps = tuple(int(number) for number in _MARK.findall(marked))
    return _MARK.sub(b"%b", marked.replace(b"%", b"%%")), gaps


def _seal(message: bytes, dkim: Dkim) -> Seal:
    head = message.partition(mime.CRLF * 2)[0]
    for place, name in LINES.items():
        head = head.replace(gap(place), name + b":" + gap(place) + mime.CRLF)
    signed = fields(head)
    return Seal(dkim, signed.names, *_template(signed.canonical))


def alike(one: RenderedMessage, other: RenderedMessage) -> bool:
    """Whether two mails have the same envelope and header octets, and parts that decode to the same octets."""

    def seen(mail: RenderedMessage) -> list[object]:
        parts = [(part.items(), part.get_payload(decode=True)) for part in message_from_bytes(mail.data).walk()]
        return [mail.sender, mail.recipient, mail.data.partition(mime.CRLF * 2)[0], parts]

    return seen(one) == seen(other)
