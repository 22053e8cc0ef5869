"""Skeletons: a bulk mail encoded once, with gaps where it differs from one reader to the next.

How one is made is told in `draft`: rendered the slow way for a reader who does not exist, what belongs to that reader
becomes a gap, and all between the gaps is encoded once. A gap in a quoted-printable part stands between two soft line
breaks, so that a value begins at column 0 and can be encoded without a look at what surrounds it (RFC 2045 §6.7).
"""

import re
from binascii import b2a_qp
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from operator import itemgetter

from newsletter.languages import Language
from newsletter.links import Purpose, Signer
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.render import mime
from newsletter.mail.render.dkim import Dkim, Fields, relaxed
from newsletter.mail.render.expression import Expression
from newsletter.mail.render.mail import RenderedMessage, one_line
from newsletter.mail.render.names import MADE_OF, Values, of_reader
from newsletter.mail.render.places import in_url
from newsletter.subscribers import FIRST_NAME

KEPT, KEPT_OF_OWN = 4096, 1024
"""First names whose share of a mail is kept with its skeleton, some hundred octets each; and values of other fields (or
of some that stand together), which may be longer."""
SOFT = b"=\r\n"
DATE, TO, SUBJECT, TAG, PREFERENCES, VIEW, UNSUBSCRIBE, CLICK, LIBRARY, PERSONAL = range(10)
"""The gaps by their place among the values; from PERSONAL on, what is made of the reader's fields."""

LINES = {DATE: b"Date", TO: b"To", SUBJECT: b"Subject"}
_LONGEST_LINE = 78  # RFC 5322 §2.1.1
_ODD = re.compile("[\x00-\x1f\ud800-\udfff]")
# Goes into quoted-printable and HTML as it is, and with its soft break fits a line.
_SAFE = re.compile(r"(?![.]|From )[A-Za-z0-9 .,:;!?'()/-]{0,75}\Z")
_ATOMS = re.compile(r"[A-Za-z0-9'-]+(?: [A-Za-z0-9'-]+)*\Z")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words made of a reader's fields: what stands between, and what is worked out."""

    pieces: tuple[str | Expression, ...]
    single: bool = False
    """Whether it goes out on one line, as subjects do."""

    def filled(self, variables: Values) -> str:
        """The words for one reader."""
        words = "".join([one if isinstance(one, str) else one.text(variables) for one in self.pieces])
        return one_line(words) if self.single else words

    @property
    def fields(self) -> frozenset[str]:
        """Of which fields they are made."""
        names = frozenset[str]().union(*(one.names for one in self.pieces if isinstance(one, Expression)))
        return frozenset(MADE_OF.get(name, name) for name in names)


Place = tuple[Phrase, Callable[[str], str]]


@dataclass(frozen=True, slots=True)
class Group:
    """What of a mail is made of the same fields: worked out once for all readers who have the same values there."""

    fields: tuple[str, ...]
    places: tuple[Place, ...]
    language: Language
    subject: Phrase | None = None
    """The subject, where it is made of these fields."""

    def filled(self, *found: str) -> "Filled | None":
        """What these values make; None for those that hold control characters."""
        if any(map(_ODD.search, found)):
            return None
        values = of_reader(dict(zip(self.fields, found, strict=True)), self.language)
        subject = mime.text_header("Subject", self.subject.filled(values)) if self.subject else b""
        name = values[FIRST_NAME]
        before = f"To: {name} <".encode() if _ATOMS.match(name) else None
        return Filled(before, subject, [_filling(phrase.filled(values), escaped) for phrase, escaped in self.places])


def by_fields(subject: Phrase | None, places: Sequence[Place], language: Language) -> tuple[Group, ...]:
    """The places of a mail, those together that are made of the same fields.

    The first is always the first name's alone, which every To line needs: most mails have no other.
    """
    groups: dict[tuple[str, ...], list[Place]] = {(FIRST_NAME,): []}
    for place in places:
        groups.setdefault(_in_order(place[0].fields), []).append(place)
    of_subject = _in_order(subject.fields) if subject else None
    if of_subject:
        groups.setdefault(of_subject, [])
    return tuple(
        Group(fields=fields, places=tuple(found), language=language, subject=subject if fields == of_subject else None)
        for fields, found in groups.items()
    )


def _in_order(fields: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(fields)) or (FIRST_NAME,)


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
    """Composes the same mail, for values that hold control characters."""
    template: bytes
    gaps: tuple[int, ...]
    groups: tuple[Group, ...]
    seal: Seal | None = None
    """None: the mails go out unsigned."""
    _made: Callable[[ClaimedMessage, bytes | None, bytes, bytes, datetime], list[bytes]] = field(init=False)
    _named: Callable[[str], "Filled | None"] = field(init=False)
    _others: list[tuple[tuple[str, ...], Callable[..., "Filled | None"]]] = field(init=False)
    _tags: Callable[[int], tuple[str, str]] = field(init=False)
    _in_order: Callable[[Sequence[bytes]], tuple[bytes, ...]] = field(init=False)
    _seven_bit: bool = field(init=False)

    def __post_init__(self) -> None:
        self._in_order = itemgetter(*self.gaps)
        self._seven_bit = self.template.isascii()
        self._tags = self.signer.tags
        self._made = _values(self.signer, frozenset(self.gaps))
        # A list of a hundred thousand people has some thousand first names, and towns.
        first, *others = self.groups
        self._named = lru_cache(KEPT)(first.filled)
        self._others = [(group.fields, lru_cache(KEPT_OF_OWN)(group.filled)) for group in others]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it is filled with."""
        return frozenset(name for group in self.groups for name in group.fields)

    def splice(self, claimed: ClaimedMessage, now: datetime) -> RenderedMessage:
        """The message for a claimed message: what `Renderer.compose` gives, but for soft line breaks."""
        named = self._named(claimed.fields.get(FIRST_NAME, ""))
        more = self._more(claimed.fields) if self._others else ()
        if named is None or more is None:
            return self.slow(claimed, now)
        subject = named.subject
        for one in more:
            subject = one.subject or subject
        tag, return_tag = self._tags(claimed.id)
        values = self._made(claimed, named.before, subject, tag.encode(), now)
        values += named.fillings
        for one in more:
            values += one.fillings
        message = self.template % self._in_order(values)
        if self.seal:
            message = self.seal.signed(message, values, now)
        # Of what fills the gaps only the address is not encoded.
        seven_bit = self._seven_bit and claimed.email.isascii()
        return RenderedMessage(self.return_path.replace("*", return_tag, 1), claimed.email, message, seven_bit)

    def _more(self, fields: Mapping[str, str]) -> "list[Filled] | None":
        """What the fields besides the first name make; None where it takes the slow way."""
        found = []
        for names, filled in self._others:
            made = filled(*[fields.get(name, "") for name in names])
            if made is None:
                return None
            found.append(made)
        return found


@dataclass(frozen=True, slots=True)
class Filled:
    """What the values of a group make of one mail."""

    before: bytes | None
    """The To line up to the address; None where more than that depends on the name."""
    subject: bytes
    fillings: list[bytes]


def _values(
    signer: Signer, gaps: Collection[int]
) -> Callable[[ClaimedMessage, bytes | None, bytes, bytes, datetime], list[bytes]]:
    """What fills the gaps up to PERSONAL, for one claimed message at a time; what no gap asks for is left empty."""
    links, dated, has_library = signer.letter_maker(clicks=CLICK in gaps), _Dates(), LIBRARY in gaps

    def values(claimed: ClaimedMessage, before: bytes | None, subject: bytes, tag: bytes, now: datetime) -> list[bytes]:
        address, number, subscriber = claimed.email, claimed.id, claimed.subscriber_id or 0
        if before and len(before) + len(address) < _LONGEST_LINE:
            to = b"%b%b>\r\n" % (before, address.encode())
        else:
            to = mime.address_header("To", claimed.fields.get(FIRST_NAME, ""), address)
        library = signer.token(Purpose.LIBRARY, subscriber).encode() if has_library else b""
        return [dated.line(now), to, subject, tag, *links(subscriber, number), library]

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
