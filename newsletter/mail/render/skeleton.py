"""Skeletons: a bulk mail encoded once, with gaps where it differs between readers.

`draft` makes one: it renders the mail the slow way for a reader who does not exist, turns what belongs to that reader
into gaps, and encodes the rest once. A gap in a quoted-printable part is between two soft line breaks, so that a value
starts at column 0 and can be encoded regardless of what surrounds it (RFC 2045 §6.7).
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
"""Cached fillings per skeleton: by first name, some hundred octets each; and by the values of each other group of
fields, which may be longer."""
SOFT = b"=\r\n"
DATE, TO, SUBJECT, TAG, PREFERENCES, VIEW, UNSUBSCRIBE, CLICK, LIBRARY, PERSONAL = range(10)
"""Gaps by their index among the values; from PERSONAL on, values made of the reader's fields."""

LINES = {DATE: b"Date", TO: b"To", SUBJECT: b"Subject"}
_LONGEST_LINE = 78  # RFC 5322 §2.1.1
_ODD = re.compile("[\x00-\x1f\ud800-\udfff]")
# Needs no encoding in quoted-printable or HTML, and fits on a line with its soft break.
_SAFE = re.compile(r"(?![.]|From )[A-Za-z0-9 .,:;!?'()/-]{0,75}\Z")
_ATOMS = re.compile(r"[A-Za-z0-9'-]+(?: [A-Za-z0-9'-]+)*\Z")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Text made of a reader's fields: literal pieces and expressions."""

    pieces: tuple[str | Expression, ...]
    single: bool = False
    """Whether it must be one line, like a subject."""

    def filled(self, variables: Values) -> str:
        """The text for one reader."""
        words = "".join([one if isinstance(one, str) else one.text(variables) for one in self.pieces])
        return one_line(words) if self.single else words

    @property
    def fields(self) -> frozenset[str]:
        """The fields it is made of."""
        names = frozenset[str]().union(*(one.names for one in self.pieces if isinstance(one, Expression)))
        return frozenset(MADE_OF.get(name, name) for name in names)


Place = tuple[Phrase, Callable[[str], str]]


@dataclass(frozen=True, slots=True)
class Group:
    """The places of a mail made of the same fields: evaluated once for all readers with the same values."""

    fields: tuple[str, ...]
    places: tuple[Place, ...]
    language: Language
    subject: Phrase | None = None
    """The subject, if it is made of these fields."""

    def filled(self, *found: str) -> "Filled | None":
        """The fillings for these values; None if one holds control characters."""
        if any(map(_ODD.search, found)):
            return None
        values = of_reader(dict(zip(self.fields, found, strict=True)), self.language)
        subject = mime.text_header("Subject", self.subject.filled(values)) if self.subject else b""
        name = values[FIRST_NAME]
        before = f"To: {name} <".encode() if _ATOMS.match(name) else None
        return Filled(before, subject, [_filling(phrase.filled(values), escaped) for phrase, escaped in self.places])


def by_fields(subject: Phrase | None, places: Sequence[Place], language: Language) -> tuple[Group, ...]:
    """Group the places of a mail by the fields they are made of.

    The first group is always that of the first name alone, which every To line needs; most mails have no other.
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
    """Signs the mails of one skeleton: their signed header fields, made canonical once, with gaps."""

    dkim: Dkim
    names: str
    template: bytes
    gaps: tuple[int, ...]

    def signed(self, message: bytes, values: Sequence[bytes], now: datetime) -> bytes:
        """A message made of these values with its signatures prepended."""
        canonical = list(values[:PERSONAL])
        for place in LINES:
            canonical[place] = relaxed(values[place].partition(b":")[2])
        head = self.template % tuple([canonical[place] for place in self.gaps])
        return self.dkim.signatures(Fields(self.names, head), message, now) + message


@dataclass(slots=True)
class Skeleton:
    """One bulk mail to many readers, made by `Renderer.compile`. Thread-safe."""

    signer: Signer
    return_path: str
    """The envelope sender, with an asterisk for the message's tag."""
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
        # A list of a hundred thousand people has a few thousand first names, and towns.
        first, *others = self.groups
        self._named = lru_cache(KEPT)(first.filled)
        self._others = [(group.fields, lru_cache(KEPT_OF_OWN)(group.filled)) for group in others]

    @property
    def fields(self) -> frozenset[str]:
        """The fields it uses."""
        return frozenset(name for group in self.groups for name in group.fields)

    def splice(self, claimed: ClaimedMessage, now: datetime) -> RenderedMessage:
        """What `Renderer.compose` would, except for soft line breaks."""
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
        # The address is the only unencoded value.
        seven_bit = self._seven_bit and claimed.email.isascii()
        return RenderedMessage(self.return_path.replace("*", return_tag, 1), claimed.email, message, seven_bit)

    def _more(self, fields: Mapping[str, str]) -> "list[Filled] | None":
        """The fillings of fields other than the first name; None: this message needs the slow way."""
        found = []
        for names, filled in self._others:
            made = filled(*[fields.get(name, "") for name in names])
            if made is None:
                return None
            found.append(made)
        return found


@dataclass(frozen=True, slots=True)
class Filled:
    """The fillings of one group's places."""

    before: bytes | None
    """The To line up to the address; None if the name is empty or needs encoding or quoting."""
    subject: bytes
    fillings: list[bytes]


def _values(
    signer: Signer, gaps: Collection[int]
) -> Callable[[ClaimedMessage, bytes | None, bytes, bytes, datetime], list[bytes]]:
    """A function that makes the values up to PERSONAL for a claimed message; those without a gap are empty."""
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
    """Caches the Date line for all messages of one moment."""

    def __init__(self) -> None:
        self._known: tuple[datetime | None, bytes] = (None, b"")

    def line(self, now: datetime) -> bytes:
        moment, line = self._known
        if moment is not now:
            line = mime.header("Date", format_datetime(now.astimezone(UTC)))
            self._known = (now, line)
        return line


def _filling(value: str, escaped: Callable[[str], str]) -> bytes:
    """Encode a value in quoted-printable, starting and ending at column 0."""
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
    """Encode text in quoted-printable without a final line end, but with a soft break if one is needed."""
    coded = mime.quoted_printable(text + "x").removesuffix(b"x\r\n")
    return coded + SOFT if coded and not coded.endswith(mime.CRLF) else coded
