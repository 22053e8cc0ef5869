"""Skeletons: a bulk mail encoded once, with gaps where it differs from one reader to the next.

A mail is rendered the slow way for a reader who does not exist. What belongs to that reader (tokens of their links,
words in place of their name) is found again in the result and becomes a gap; all between the gaps is encoded once.
A gap in a quoted-printable part stands between two soft line breaks, so that a value begins at column 0 and can be
encoded without a look at what surrounds it (RFC 2045 §6.7).
"""

import re
from binascii import b2a_qp
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import format_datetime
from functools import lru_cache
from operator import itemgetter

from newsletter.links import Purpose, Signer
from newsletter.mail.outbox import Letter
from newsletter.mail.render import mime
from newsletter.mail.render.dkim import Dkim, Fields, fields, relaxed
from newsletter.mail.render.mail import Mail, greeting, one_line

NOBODY = 0xF1D2_C3B4_A596_8778
"""The subscriber and message of the reader who does not exist: no database gives a number of 64 bits away."""
NAMES = 4096
"""First names whose share of a mail is kept with its skeleton: some hundred octets each."""
SOFT = b"=\r\n"
DATE, TO, SUBJECT, TAG, NUMBER, UNSUBSCRIBE, PREFERENCES, VIEW, LIBRARY, PERSONAL = range(10)
"""The gaps by their place among the values; from PERSONAL on, what is made of the name."""

_LINES = {DATE: b"Date", TO: b"To", SUBJECT: b"Subject"}
_LONGEST_LINE = 78  # RFC 5322 §2.1.1
_MARK = re.compile(rb"\0(\d+)\0")
_NAMED = re.compile(r'zqs(first_name|greeting|subject|preheader)("|&quot;)sqz')
_ODD = re.compile("[\x00-\x1f\ud800-\udfff]")
# Goes into quoted-printable and HTML as it is, and with its soft break fits a line.
_SAFE = re.compile(r"(?![.]|From )[A-Za-z0-9 .,:;!?'()/-]{0,75}\Z")
_ATOMS = re.compile(r"[A-Za-z0-9'-]+(?: [A-Za-z0-9'-]+)*\Z")


class NoSkeleton(Exception):
    """This mail has to be composed for each reader; the message says why."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words with a name in them: `%(first_name)s` and `%(greeting)s` stand for the variables."""

    pattern: str
    single: bool = False
    """Whether it goes out on one line, as subjects do."""

    def filled(self, variables: Mapping[str, str]) -> str:
        """The words for one reader."""
        words = self.pattern % variables
        return one_line(words) if self.single else words


def _as_text(value: str) -> str:
    return value


def _in_element(value: str) -> str:
    """Text of an element as an HTML parser gives it back (HTML Standard §13.3, "escaping a string")."""
    return value.replace("&", "&amp;").replace("\xa0", "&nbsp;").replace("<", "&lt;").replace(">", "&gt;")


def _in_attribute(value: str) -> str:
    return value.replace("&", "&amp;").replace("\xa0", "&nbsp;").replace('"', "&quot;")


Place = tuple[Phrase, Callable[[str], str]]


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs the mails of one skeleton: what is signed of their heads, canonical once for all, with its gaps."""

    dkim: Dkim
    names: str
    template: bytes
    gaps: tuple[int, ...]

    def signed(self, message: bytes, values: Sequence[bytes], now: datetime) -> bytes:
        """A message made of these values, with its signatures."""
        canonical = list(values[:PERSONAL])
        for place in _LINES:
            canonical[place] = relaxed(values[place].partition(b":")[2])
        head = self.template % tuple([canonical[place] for place in self.gaps])
        return self.dkim.signatures(Fields(self.names, head), message, now) + message


@dataclass(slots=True)
class Skeleton:
    """One bulk mail to many readers; made by `Renderer.compile`. Safe to use from several threads."""

    signer: Signer
    mail_domain: str
    """What return paths end in."""
    slow: Callable[[Letter, datetime], Mail]
    """Composes the same mail, for a name that holds control characters."""
    template: bytes
    gaps: tuple[int, ...]
    subject: Phrase | None
    """None: the same subject for everybody, in the template."""
    places: tuple[Place, ...]
    seal: Seal | None = None
    """None: the mails go out unsigned."""
    _made: Callable[[Letter, "Named", bytes, datetime], list[bytes]] = field(init=False)
    _named: Callable[[str], "Named | None"] = field(init=False)
    _tags: Callable[[int], tuple[bytes, bytes]] = field(init=False)
    _in_order: Callable[[Sequence[bytes]], tuple[bytes, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self._in_order = itemgetter(*self.gaps)
        self._tags = self.signer.tags
        self._made = _values(self.signer, frozenset(self.gaps))
        # A list of a hundred thousand people has some thousand first names.
        self._named = lru_cache(NAMES)(self._what_a_name_makes)

    def splice(self, letter: Letter, now: datetime) -> Mail:
        """The message for a claimed letter: what `Renderer.compose` gives, but for soft line breaks."""
        named = self._named(letter.first_name)
        if named is None:
            return self.slow(letter, now)
        tag, return_tag = self._tags(letter.id)
        values = self._made(letter, named, tag, now)
        message = self.template % self._in_order(values)
        if self.seal:
            message = self.seal.signed(message, values, now)
        return Mail(f"b+{return_tag.decode()}@{self.mail_domain}", letter.email, message)

    def _what_a_name_makes(self, name: str) -> "Named | None":
        if _ODD.search(name):
            return None
        variables = {"first_name": name, "greeting": greeting(name)}
        subject = mime.text_header("Subject", self.subject.filled(variables)) if self.subject else b""
        before = f"To: {name} <".encode() if _ATOMS.match(name) else None
        return Named(before, subject, [_filling(phrase.filled(variables), escaped) for phrase, escaped in self.places])


@dataclass(frozen=True, slots=True)
class Named:
    """What a first name makes of one mail."""

    before: bytes | None
    """The To line up to the address; None where more than that depends on the name."""
    subject: bytes
    fillings: list[bytes]


def _values(signer: Signer, gaps: Collection[int]) -> Callable[[Letter, Named, bytes, datetime], list[bytes]]:
    """What fills the gaps, for a letter at a time; what no gap asks for is left empty."""
    unsubscribing = signer.maker(Purpose.UNSUBSCRIBE, 2)
    preferences, view, library = (
        signer.maker(purpose, 1) if place in gaps else _nothing
        for purpose, place in ((Purpose.PREFERENCES, PREFERENCES), (Purpose.VIEW, VIEW), (Purpose.LIBRARY, LIBRARY))
    )
    dated = _Dates()

    def values(letter: Letter, named: Named, tag: bytes, now: datetime) -> list[bytes]:
        address, before, number, subscriber = letter.email, named.before, letter.id, letter.subscriber_id or 0
        if before and len(before) + len(address) < _LONGEST_LINE:
            to = b"%b%b>\r\n" % (before, address.encode())
        else:
            to = mime.address_header("To", letter.first_name, address)
        return [
            dated.line(now), to, named.subject, tag, b"%d" % number, unsubscribing(subscriber, number),
            preferences(subscriber), view(number), library(subscriber), *named.fillings,
        ]  # fmt: skip

    return values


def _nothing(_: int) -> bytes:
    return b""


class _Dates:
    """The Date line, made once for all letters of a moment."""

    def __init__(self) -> None:
        self._known: tuple[datetime | None, bytes] = (None, b"")

    def line(self, now: datetime) -> bytes:
        moment, line = self._known
        if moment is not now:
            line = mime.header("Date", format_datetime(now.astimezone(UTC)))
            self._known = (now, line)
        return line


def _filling(value: str, escaped: Callable[[str], str]) -> bytes:
    """A value in quoted-printable that begins at column 0 and leaves column 0 behind it."""
    if _SAFE.match(value):
        return value.encode() + SOFT if value else b""
    value = escaped(value)
    coded = b2a_qp(value.encode("utf-8", "replace"))
    if len(coded) < mime.LINE and b"\n" not in coded and not coded.startswith((b".", b"From ")):
        return coded + SOFT
    return _open_ended(value)


def _open_ended(text: str) -> bytes:
    """Text in quoted-printable that goes on: no line end behind it, but a soft break where one is needed."""
    coded = mime.quoted_printable(text + "x").removesuffix(b"x\r\n")
    return coded + SOFT if coded and not coded.endswith(mime.CRLF) else coded


def gap(place: int) -> bytes:
    """The mark of a gap; NUL occurs nowhere in an encoded mail."""
    return b"\0%d\0" % place


class Draft:
    """A mail on its way to a skeleton: finds in it what belongs to the reader who does not exist."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._numbers = {
            signer.message_tag(NOBODY): TAG,
            signer.token(Purpose.UNSUBSCRIBE, NOBODY, NOBODY): UNSUBSCRIBE,
            signer.token(Purpose.PREFERENCES, NOBODY): PREFERENCES,
            signer.token(Purpose.VIEW, NOBODY): VIEW,
            signer.token(Purpose.LIBRARY, NOBODY): LIBRARY,
            str(NOBODY): NUMBER,
        }
        self._any_number = re.compile("|".join(map(re.escape, self._numbers)))
        self._anything = re.compile(f"{self._any_number.pattern}|{_NAMED.pattern}")
        self._phrases = {name: Phrase(f"%({name})s") for name in ("first_name", "greeting")}
        self._places: list[Place] = []

    @property
    def names(self) -> dict[str, str]:
        """The variables made of a name, with the words that stand in for them.

        The quotation mark in them comes out differently in an element and in an attribute: so the place tells.
        """
        return {name: f'zqs{name}"sqz' for name in self._phrases}

    def line(self, variable: str, words: str) -> str:
        """A subject or preheader, rendered with `names`: as it is, or a word that stands in for the whole of it."""
        found = {match[1] for match in _NAMED.finditer(words)}
        if self._any_number.search(words) or found & {"subject", "preheader"}:
            raise NoSkeleton(f"there is more than a name in the {variable}")
        if not found:
            return words
        self._phrases[variable] = Phrase(_NAMED.sub(r"%(\1)s", words.replace("%", "%%")), single=True)
        return f'zqs{variable}"sqz'

    def subject(self, seen: str) -> bytes:
        """The Subject line of a mail rendered with `line`: for everybody, or a gap."""
        return gap(SUBJECT) if "subject" in self._phrases else mime.text_header("Subject", seen)

    def part(self, subtype: str, text: str) -> bytes:
        """A text part with gaps."""
        out, end = [mime.text_part(subtype, "").removesuffix(mime.CRLF)], 0
        for match in self._anything.finditer(text):
            out.append(_open_ended(text[end : match.start()]))
            out.append(self._gap(subtype, match))
            end = match.end()
        return b"".join([*out, mime.quoted_printable(text[end:])])

    def _gap(self, subtype: str, match: re.Match[str]) -> bytes:
        if not match[1]:
            return gap(self._numbers[match[0]]) + SOFT
        if match[1] not in self._phrases:
            raise NoSkeleton("its text holds a word that stands in for another")
        escaped = _as_text if subtype == "plain" else _in_element if match[2] == '"' else _in_attribute
        place = (self._phrases[match[1]], escaped)
        if place not in self._places:
            self._places.append(place)
        return gap(PERSONAL + self._places.index(place))

    def skeleton(self, message: bytes, mail_domain: str, slow: Callable[[Letter, datetime], Mail],
                 dkim: Dkim | None) -> Skeleton:  # fmt: skip
        """The skeleton of a complete message: its header lines as they were rendered, its parts made by `part`."""
        for stand_in, place in self._numbers.items():
            message = message.replace(stand_in.encode(), gap(place))
        template, gaps = _template(message)
        subject, seal = self._phrases.get("subject"), _seal(message, dkim) if dkim else None
        return Skeleton(self._signer, mail_domain, slow, template, gaps, subject, tuple(self._places), seal)


def _template(marked: bytes) -> tuple[bytes, tuple[int, ...]]:
    """What `%` fills, and which values it takes, in order."""
    gaps = tuple(int(number) for number in _MARK.findall(marked))
    return _MARK.sub(b"%b", marked.replace(b"%", b"%%")), gaps


def _seal(message: bytes, dkim: Dkim) -> Seal:
    head = message.partition(mime.CRLF * 2)[0]
    for place, name in _LINES.items():
        head = head.replace(gap(place), name + b":" + gap(place) + mime.CRLF)
    signed = fields(head)
    return Seal(dkim, signed.names, *_template(signed.canonical))


def alike(one: Mail, other: Mail) -> bool:
    """Whether two mails have one envelope, the same header octets, and parts that decode to the same octets."""

    def seen(mail: Mail) -> list[object]:
        parts = [(part.items(), part.get_payload(decode=True)) for part in message_from_bytes(mail.data).walk()]
        return [mail.sender, mail.recipient, mail.data.partition(mime.CRLF * 2)[0], parts]

    return seen(one) == seen(other)
