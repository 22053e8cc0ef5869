"""The first pass over a file, before anything is written: its structure, and whether every status is understood."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from newsletter.imports.address import BadRow, unguarded
from newsletter.imports.columns import MAILCHIMP_KINDS, Columns, Program, Role, no_addresses
from newsletter.imports.dates import says_order
from newsletter.imports.header import read_columns, rows_of
from newsletter.imports.mapping import BadMapping, Meaning, mapped
from newsletter.imports.person import whole
from newsletter.imports.report import BadFile, Reading
from newsletter.imports.rows import Row
from newsletter.imports.source import Source
from newsletter.imports.standing import Standing, StandingJudge, UnknownStatus, plain, says_gone
from newsletter.languages import said
from newsletter.subscribers import Field, FieldKind

_KINDS = {"unsubscribed": Standing.LEFT, "cleaned": Standing.BOUNCED}
_DATED = (Role.JOINED, Role.CONFIRMED, Role.SUBSCRIBED, Role.UNSUBSCRIBED, Role.BOUNCED, Role.COMPLAINED)
_REMEMBERED = 10_000
"""Combinations of status cells whose standing is cached."""
MOST_WORDS = 50
"""Unknown statuses an owner is asked about; a column with more is not a status."""
MOST_CHOICES = 100
_TELLING = (Role.STATUS, Role.STATE, Role.LISTS, *_DATED[1:])
Answers = Mapping[str, Standing]
NO_ANSWERS: Answers = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Unknown:
    """An unknown status: where it first occurred, and in how many rows."""

    word: str
    column: str
    line: int
    rows: int


@dataclass(frozen=True, slots=True)
class Survey:
    """A file's structure. `otherwise`: the standing of people whom no column says anything about."""

    columns: Columns
    separator: str
    day_first: bool | None
    asked: frozenset[int]
    """Indices of “subscribed?” columns that are not entirely empty."""
    otherwise: Standing
    reading: Reading
    standings: Counter[Standing] = field(default_factory=Counter)
    """Rows by standing according to the file alone; without unknown statuses."""
    unknown: tuple[Unknown, ...] = ()
    choices: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """The distinct values of columns that become new choice fields, by index."""


def survey(source: Source, name: str, fields: Iterable[Field] = (), *, meanings: Sequence[Meaning] | None = None,
           answers: Answers = NO_ANSWERS, asking: bool = False, headed: bool | None = None) -> Survey:  # fmt: skip
    """Read the whole file once. `name`: its file name, which is all that tells some Mailchimp lists apart.
    `fields`: the owner's custom fields. `meanings`: the owner's column mapping; `answers`: their explanations of
    unknown statuses. `asking`: list the remaining unknown statuses instead of raising. `headed`: whether the first row
    is a header, None: guess.

    Raises BadFile if it cannot be imported.
    """
    columns, separator, header = read_columns(source, fields, headed)
    if meanings is not None:
        columns = mapped(columns, meanings)
    elif not columns.at(Role.EMAIL):
        raise no_addresses(header)
    seen = _read_through(source, separator, columns, answers, asking)
    columns = seen.columns
    otherwise = _default_standing(columns, name)
    reading = Reading(
        encoding=source.label, separator=separator, program=columns.program,
        used=columns.used, unused=columns.unused, odd_lines=source.odd_lines if source.utf8_lines else 0,
        headed=columns.headed,
    )  # fmt: skip
    return Survey(
        columns=columns,
        separator=separator,
        day_first=seen.day_first,
        asked=frozenset(seen.asked),
        otherwise=otherwise,
        reading=reading,
        standings=_with_default(seen.standings, otherwise),
        unknown=tuple(seen.unknown.values()),
        choices=seen.listed_choices(),
    )


def _with_default(found: Counter[Standing], otherwise: Standing) -> Counter[Standing]:
    told: Counter[Standing] = Counter()
    for standing, many in found.items():
        told[max(standing, otherwise)] += many
    return told


@dataclass
class _Seen:
    """What one pass over a file found: its date order, and which columns say who wants mail."""

    columns: Columns
    asking: bool = False
    day_first: bool | None = None
    asked: set[int] = field(default_factory=set)
    known: int = 0
    """Rows whose standing is known. If there are none, a column “state” is part of a postal address."""
    odd: tuple[int, UnknownStatus] | None = None
    standings: Counter[Standing] = field(default_factory=Counter)
    unknown: dict[str, Unknown] = field(default_factory=dict)
    questions: int = 0
    """How often an unknown status occurred."""

    def __post_init__(self) -> None:
        own = self.columns.own
        self._dated = [place for role in _DATED for place in self.columns.at(role)]
        self._dated += [place for place, field in own.items() if field.kind is FieldKind.DATE]
        used = {place for places in self.columns.places.values() for place in places} | own.keys()
        unused = set(range(len(self.columns.headings))) - used - self.columns.waved
        self._unused = () if self.columns.needed else tuple(unused)
        new = (place for place, field in own.items() if field.kind is FieldKind.CHOICE and field.id < 0)
        self._subscribed = self.columns.at(Role.SUBSCRIBED)
        self._choices: dict[int, dict[str, str]] = {place: {} for place in new}
        self.line = 0

    def look(self, row: Row) -> None:
        """Inspect a row. Raises BadFile if an ignored column says that somebody left."""
        self.line = row.line
        if self.day_first is None and ("/" in row.text or "-" in row.text):
            said = (says_order(_cell(row, place)) for place in self._dated)
            self.day_first = next((one for one in said if one is not None), None)
        for place in self._subscribed:
            if _cell(row, place).strip():
                self.asked.add(place)
        for place in self._unused:
            if says_gone(word := _cell(row, place)):
                raise _unread_column(row.line, word, self.columns.headings[place], place)
        for place, found in self._choices.items():
            if (word := unguarded(_cell(row, place))) and len(found) <= MOST_CHOICES:
                found.setdefault(word.casefold(), word)

    def ask(self, error: UnknownStatus) -> Standing:
        """Handle an unknown status: list it if the owner is asked, else raise UnknownStatus (see `note`)."""
        if not self.asking:
            raise error
        self.questions += 1
        word = plain(error.value)
        before = self.unknown.get(word) or Unknown(word=error.value[:80], column=error.column, line=self.line, rows=0)
        self.unknown[word] = replace(before, rows=before.rows + 1)
        if len(self.unknown) > MOST_WORDS:
            raise BadFile(
                said("“%(column)s” holds more than %(most)s words that are no status known here. It seems to say "
                     "something else: choose what it is, or leave it out.", column=error.column, most=MOST_WORDS)
            )  # fmt: skip
        return Standing.NEVER_AGREED

    def note(self, error: UnknownStatus) -> None:
        """Raise BadFile for an unknown status; in a column “state” remember it, for it may be an address."""
        states = self.columns.at(Role.STATE)
        if not states or self.columns.headings[states[0]] != error.column:
            raise _unknown(self.line, error) from None
        self.odd = self.odd or (self.line, error)

    def listed_choices(self) -> dict[int, tuple[str, ...]]:
        """The distinct values of columns that become choice fields, by index. Raises BadMapping."""
        for place, found in self._choices.items():
            if not 2 <= len(found) <= MOST_CHOICES:
                heading = self.columns.headings[place]
                if len(found) < 2:
                    told = said(
                        "“%(heading)s” has fewer than two different values: make it a field of text.", heading=heading
                    )
                else:
                    told = said("“%(heading)s” has more than %(most)s different values: make it a field of text.",
                                heading=heading, most=MOST_CHOICES)  # fmt: skip
                raise BadMapping(told, place)
        return {place: tuple(found.values()) for place, found in self._choices.items()}


def _read_through(source: Source, separator: str, columns: Columns, answers: Answers, asking: bool) -> _Seen:
    seen = _Seen(columns, asking)
    judge = StandingJudge(columns, answers=answers, unknown=seen.ask)
    sound: dict[tuple[str, ...], Standing] = {}
    for row in rows_of(source, separator, columns):
        seen.look(row)
        raw = tuple([_cell(row, place) for place in judge.places])
        if (standing := sound.get(raw)) is None:
            asked = seen.questions
            try:
                standing = judge(whole(row, columns))
            except BadRow:
                continue
            except UnknownStatus as error:
                seen.note(error)
                continue
            if asked != seen.questions:
                continue  # counted once its status is understood
            seen.known += 1
            if len(sound) < _REMEMBERED:
                sound[raw] = standing
        seen.standings[standing] += 1
    if seen.odd is not None and seen.known:
        raise _unknown(*seen.odd)
    if Role.STATE in columns.places and not seen.known:
        return _read_through(source, separator, columns.without(Role.STATE), answers, asking)  # an address
    return seen


def _cell(row: Row, place: int) -> str:
    return row.cells[place] if place < len(row.cells) else ""


def _unread_column(line: int, word: str, heading: str, place: int) -> BadFile:
    column = said("the column “%(heading)s”", heading=heading) if heading else said("a column without a name")
    return BadMapping(
        said("Line %(line)s: %(column)s says “%(word)s”, but by that name nobody can know that it tells who wants "
             "mail. Nothing was written. Call it “status”, or take it out if it says something else.",
             line=line, column=column, word=word), place
    )  # fmt: skip


def _unknown(line: int, error: UnknownStatus) -> BadFile:
    return BadFile(
        said("Line %(line)s: “%(word)s” in the column “%(column)s” is no status that is known here, so it cannot be "
             "told whether these people want mail. Nothing was written. Write subscribed, pending, unsubscribed, "
             "blocked, bounced or complained instead, or rename the column if it says something else.",
             line=line, word=error.value[:80], column=error.column)
    )  # fmt: skip


def _default_standing(columns: Columns, name: str) -> Standing:
    """The standing if no column says: readers, unless a Mailchimp file name says otherwise. Raises BadFile."""
    kind = MAILCHIMP_KINDS.search(name)
    if kind is None:
        return Standing.READER
    if columns.program is Program.MAILCHIMP:
        return _KINDS.get(kind[1].lower(), Standing.NEVER_AGREED)
    if not any(columns.at(role) for role in _TELLING):
        raise BadFile(
            said("By its name, “%(name)s” holds people who are not to be written to, but no column says so. Nothing "
                 "was written. Add a column “status” (unsubscribed, bounced …), or rename the file if its name "
                 "misleads.", name=name)
        )  # fmt: skip
    return Standing.READER
