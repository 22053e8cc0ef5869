"""Skeletons: a bulk mail encoded once, with gaps where it differs from one reader to the next.

How one is made is told in `draft`: rendered the slow way for a reader who does not exist, what belongs to that reader
becomes a gap, and all between the gaps is encoded once. A gap in a quoted-printable part stands between two soft line
breaks, so that a value begins at column 0 and can be encoded without a look at what surrounds it (RFC 2045 §6.7).
"""

import re
from binascii import b2a_qp
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from operator import itemgetter

from newsletter.links import Purpose, Signer
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.render import mime
from newsletter.mail.render.dkim import Dkim, Fields, relaxed
from newsletter.mail.render.expression import Expression
from newsletter.mail.render.mail import RenderedMessage, greeting, one_line
from newsletter.mail.render.names import Values
from newsletter.mail.render.places import in_url

NAMES = 4096
"""First names whose share of a mail is kept with its skeleton: some hundred octets each."""
SOFT = b"=\r\n"
DATE, TO, SUBJECT, TAG, NUMBER, PREFERENCES, VIEW, UNSUBSCRIBE, LIBRARY, PERSONAL = range(10)
"""The gaps by their place among the values; from PERSONAL on, what is made of the name."""

LINES = {DATE: b"Date", TO: b"To", SUBJECT: b"Subject"}
_LONGEST_LINE = 78  # RFC 5322 §2.1.1
_ODD = re.compile("[\x00-\x1f\ud800-\udfff]")
# Goes into quoted-printable and HTML as it is, and with its soft break fits a line.
_SAFE = re.compile(r"(?![.]|From )[A-Za-z0-9 .,:;!?'()/-]{0,75}\Z")
_ATOMS = re.compile(r"[A-Za-z0-9'-]+(?: [A-Za-z0-9'-]+)*\Z")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words made of a first name: what stands between, and what is worked out."""

    pieces: tuple[str | Expression, ...]
    single: bool = False
    """Whether it goes out on one line, as subjects do."""

    def filled(self, variables: Values) -> str:
        """The words for one reader."""
        words = "".join([one if isinstance(one, str) else one.text(variables) for one in self.pieces])
        return one_line(words) if self.single else words


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
        for place in LINES:
            canonical[place] = relaxed(values[place].partition(b":")[2])
        head = self.template % tuple([canonical[place] for place in self.gaps])
        return self.dkim.signatures(Fields(self.names, head), message, now) + message


@dataclass(slots=True)
class Skeleton:
    """One bulk mail to many readers; made by `Renderer.compile`. Safe to use from several threads."""

    signer: Signer
    return_path: str
    """The envelope sender; an asterisk in it stands for the message."""
    slow: Callable[[ClaimedMessage, datetime], RenderedMessage]
    """Composes the same mail, for a name that holds control characters."""
    template: bytes
    gaps: tuple[int, ...]
    subject: Phrase | None
    """None: the same subject for everybody, in the template."""
    places: tuple[Place, ...]
    seal: Seal | None = None
    """None: the mails go out unsigned."""
    _made: Callable[[ClaimedMessage, "Named", bytes, datetime], list[bytes]] = field(init=False)
    _named: Callable[[str], "Named | None"] = field(init=False)
    _tags: Callable[[int], tuple[str, str]] = field(init=False)
    _in_order: Callable[[Sequence[bytes]], tuple[bytes, ...]] = field(init=False)
    _seven_bit: bool = field(init=False)

    def __post_init__(self) -> None:
        self._in_order = itemgetter(*self.gaps)
        self._seven_bit = self.template.isascii()
        self._tags = self.signer.tags
        self._made = _values(self.signer, frozenset(self.gaps))
        # A list of a hundred thousand people has some thousand first names.
        self._named = lru_cache(NAMES)(self._what_a_name_makes)

    def splice(self, claimed: ClaimedMessage, now: datetime) -> RenderedMessage:
        """The message for a claimed message: what `Renderer.compose` gives, but for soft line breaks."""
        named = self._named(claimed.first_name)
        if named is None:
            return self.slow(claimed, now)
        tag, return_tag = self._tags(claimed.id)
        values = self._made(claimed, named, tag.encode(), now)
        message = self.template % self._in_order(values)
        if self.seal:
            message = self.seal.signed(message, values, now)
        # Of what fills the gaps only the address is not encoded.
        seven_bit = self._seven_bit and claimed.email.isascii()
        return RenderedMessage(self.return_path.replace("*", return_tag, 1), claimed.email, message, seven_bit)

    def _what_a_name_makes(self, name: str) -> "Named | None":
        if _ODD.search(name):
            return None
        variables: Values = {"first_name": name, "greeting": greeting(name)}
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


def _values(signer: Signer, gaps: Collection[int]) -> Callable[[ClaimedMessage, Named, bytes, datetime], list[bytes]]:
    """What fills the gaps, for one claimed message at a time; what no gap asks for is left empty."""
    links, dated, has_library = signer.letter_maker(), _Dates(), LIBRARY in gaps

    def values(claimed: ClaimedMessage, named: Named, tag: bytes, now: datetime) -> list[bytes]:
        address, before, number, subscriber = claimed.email, named.before, claimed.id, claimed.subscriber_id or 0
        if before and len(before) + len(address) < _LONGEST_LINE:
            to = b"%b%b>\r\n" % (before, address.encode())
        else:
            to = mime.address_header("To", claimed.first_name, address)
        library = signer.token(Purpose.LIBRARY, subscriber).encode() if has_library else b""
        return [
            dated.line(now), to, named.subject, tag, b"%d" % number, *links(subscriber, number), library,
            *named.fillings,
        ]  # fmt: skip

    return values


class _Dates:
    """The Date line, made once for all messages of a moment."""

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
    if escaped is in_url:
        value, escaped = in_url(value), str
    if _SAFE.match(value):
        return value.encode() + SOFT if value else b""
    value = escaped(value)
    coded = b2a_qp(value.encode("utf-8", "replace"))
    if len(coded) < mime.LINE and b"\n" not in coded and not coded.startswith((b".", b"From ")):
        return coded + SOFT
    return open_ended(value)


def open_ended(text: str) -> bytes:
    """Text in quoted-printable that goes on: no line end behind it, but a soft break where one is needed."""
    coded = mime.quoted_printable(text + "x").removesuffix(b"x\r\n")
    return coded + SOFT if coded and not coded.endswith(mime.CRLF) else coded
