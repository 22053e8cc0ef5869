"""The first reading of a file, before anything is written: how it is put together, and whether it can be trusted."""

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
"""Ways to be subscribed that were seen before and need not be judged again."""
MOST_WORDS = 50
"""Statuses that an owner is asked about; a column with more of them is none."""
MOST_CHOICES = 100
_TELLING = (Role.STATUS, Role.STATE, Role.LISTS, *_DATED[1:])
Answers = Mapping[str, Standing]
NO_ANSWERS: Answers = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Unknown:
    """A status that nobody knows: where it was seen first, and in how many rows."""

    word: str
    column: str
    line: int
    rows: int


@dataclass(frozen=True, slots=True)
class Survey:
    """How a file is put together. `otherwise`: where somebody stands of whom no column says anything."""

    columns: Columns
    separator: str
    day_first: bool | None
    asked: frozenset[int]
    """Columns in which somebody says that they subscribed, or not."""
    otherwise: Standing
    reading: Reading
    standings: Counter[Standing] = field(default_factory=Counter)
    """Where the rows' people stand, by the file's word alone; without those whose status is not known."""
    unknown: tuple[Unknown, ...] = ()
    choices: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """What stands in the columns that are to become fields of choices."""


def survey(source: Source, name: str, fields: Iterable[Field] = (), *, meanings: Sequence[Meaning] | None = None,
           answers: Answers = NO_ANSWERS, asking: bool = False, headed: bool | None = None) -> Survey:  # fmt: skip
    """Read the file through once. `name`: its file name, by which Mailchimp alone tells some lists apart.
    `fields`: the owner's own. `meanings`: what each column is, where somebody has said so, and `answers`: what they
    said of statuses that are not known here. `asking`: the other ones are listed instead of refused. `headed`: whether
    the first row names the columns, None: as it looks.

    Raises BadFile when it cannot be imported.
    """
    columns, separator, header = read_columns(source, fields, headed)
    if meanings is not None:
        columns = mapped(columns, meanings)
    elif not columns.at(Role.EMAIL):
        raise no_addresses(header)
    seen = _read_through(source, separator, columns, answers, asking)
    columns = seen.columns
    otherwise = _otherwise(columns, name)
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
        standings=_with_otherwise(seen.standings, otherwise),
        unknown=tuple(seen.unknown.values()),
        choices=seen.listed_choices(),
    )


def _with_otherwise(found: Counter[Standing], otherwise: Standing) -> Counter[Standing]:
    told: Counter[Standing] = Counter()
    for standing, many in found.items():
        told[max(standing, otherwise)] += many
    return told


@dataclass
class _Seen:
    """What one reading of a file told: the order of its dates, and which of its columns say who wants mail."""

    columns: Columns
    asking: bool = False
    day_first: bool | None = None
    asked: set[int] = field(default_factory=set)
    known: int = 0
    """Rows that a column “state”, if there is one, tells the status of; else somebody lives there."""
    odd: tuple[int, UnknownStatus] | None = None
    standings: Counter[Standing] = field(default_factory=Counter)
    unknown: dict[str, Unknown] = field(default_factory=dict)
    questions: int = 0
    """How often a status was met that nobody knows."""

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
        """Take note of a row. Raises BadFile where a column that is not read says who left."""
        self.line = row.line
        if self.day_first is None and ("/" in row.text or "-" in row.text):
            said = (says_order(_cell(row, place)) for place in self._dated)
            self.day_first = next((one for one in said if one is not None), None)
        for place in self._subscribed:
            if _cell(row, place).strip():
                self.asked.add(place)
        for place in self._unused:
            if says_gone(word := _cell(row, place)):
                raise _unread(row.line, word, self.columns.headings[place], place)
        for place, found in self._choices.items():
            if (word := unguarded(_cell(row, place))) and len(found) <= MOST_CHOICES:
                found.setdefault(word.casefold(), word)

    def ask(self, error: UnknownStatus) -> Standing:
        """A status that is not known: listed, where the owner is asked; else told at once, but for “state”, which may
        say where people live."""
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
        """A status that is not known, where nobody is asked."""
        states = self.columns.at(Role.STATE)
        if not states or self.columns.headings[states[0]] != error.column:
            raise _unknown(self.line, error) from None
        self.odd = self.odd or (self.line, error)

    def listed_choices(self) -> dict[int, tuple[str, ...]]:
        """What stands in the columns that are to become fields of choices. Raises BadMapping."""
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
                continue  # it counts when its status is understood
            seen.known += 1
            if len(sound) < _REMEMBERED:
                sound[raw] = standing
        seen.standings[standing] += 1
    if seen.odd is not None and seen.known:
        raise _unknown(*seen.odd)
    if Role.STATE in columns.places and not seen.known:
        return _read_through(source, separator, columns.without(Role.STATE), answers, asking)  # where people live
    return seen


def _cell(row: Row, place: int) -> str:
    return row.cells[place] if place < len(row.cells) else ""


def _unread(line: int, word: str, heading: str, place: int) -> BadFile:
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


def _otherwise(columns: Columns, name: str) -> Standing:
    """Where people stand when no column says it: readers, unless Mailchimp put their kind into the file's name."""
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
