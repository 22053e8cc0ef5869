"""Parses a row: from cells to a person with a standing, or to a flaw."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache
from types import MappingProxyType
from typing import NamedTuple

from newsletter import characters
from newsletter.imports import export
from newsletter.imports.address import BadRow, Found, bare, find_address, looks_misspelt, unguarded
from newsletter.imports.columns import Columns, Role
from newsletter.imports.dates import read_date, read_day
from newsletter.imports.report import Flaw, Remark
from newsletter.imports.rows import Row
from newsletter.imports.standing import Standing, StandingJudge, is_date_like, says_yes
from newsletter.languages import Languages
from newsletter.subscribers import (
    EVERY_TOPIC,
    Address,
    BadValue,
    Field,
    FieldKind,
    TopicChoice,
    clean_name,
    clean_tag,
)
from newsletter.zones import known_zones

LONGEST_PAUSE = timedelta(days=366)
"""A later end is ignored."""
NO_FIELDS: Mapping[int, str] = MappingProxyType({})
MOST_TAGS = 100
"""Tags per person; the rest is dropped."""


class Person(NamedTuple):
    """What a row says about somebody. Times are aware UTC, None if the file has none."""

    line: int
    address: Address
    standing: Standing
    first_name: str = ""
    newsletter: bool = True
    zone: str | None = None
    language: str | None = None
    joined: datetime | None = None
    confirmed: datetime | None = None
    left: datetime | None = None
    paused: datetime | None = None
    """End of their pause, if it is in the future."""
    weekly: bool = False
    """Whether they want campaigns bundled once a week. Ignored for existing subscribers."""
    objects: bool = False
    """Whether they object to click tracking."""
    tags: tuple[str, ...] = ()
    topics: TopicChoice = EVERY_TOPIC
    fields: Mapping[int, str] = NO_FIELDS
    """Normalised values of custom fields, by field id."""


@dataclass(slots=True)
class Judge:
    """Turns rows into persons with what all rows of a file share: columns, date order, defaults."""

    columns: Columns
    standing: StandingJudge
    day_first: bool | None
    otherwise: Standing
    now: datetime
    remark: Callable[[int, Remark], None]
    languages: Languages = field(default_factory=Languages)
    topics: Mapping[str, int] = field(default_factory=dict)
    """Topic ids by name."""
    topics_unsaid: TopicChoice = EVERY_TOPIC
    """The topics people take if no column says so."""
    _at: "_Places" = field(init=False)
    _named: set[int] = field(default_factory=set)
    """Who has been named so far, as numbers: of a million people sixty megabytes."""

    def __post_init__(self) -> None:
        self._at = _Places.of(self.columns)

    def person(self, row: Row) -> Person:
        """Parse one row. Raises BadRow, UnknownStatus."""
        cells, at = whole(row, self.columns), self._at
        found = self._address(row.line, cells)
        standing = max(self.standing(cells), self.otherwise)
        self._note(row.line, found.address, standing)
        return Person(
            line=row.line,
            address=found.address,
            standing=standing,
            first_name=self._name(row.line, cells, found),
            # Skip absent columns: this runs for hundreds of thousands of rows.
            newsletter=not at.newsletter or all(says_yes(cells[place]) for place in at.newsletter),
            zone=self._zone(row.line, cells) if at.zone else None,
            language=self._language(row.line, cells) if at.language else None,
            joined=self._date(row.line, cells, at.joined) if at.joined else None,
            confirmed=self._date(row.line, cells, at.confirmed) if at.confirmed else None,
            left=self._date(row.line, cells, at.left) if at.left else None,
            paused=self._paused(row.line, cells) if at.paused else None,
            weekly=any(says_yes(cells[place]) for place in at.weekly) if at.weekly else False,
            objects=any(says_yes(cells[place]) for place in at.objects) if at.objects else False,
            tags=self._tags(cells) if at.tags else (),
            topics=self._topics(row.line, cells) if at.topics else self.topics_unsaid,
            fields=self._fields(row.line, cells) if self.columns.own else NO_FIELDS,
        )

    def pass_over(self, rows: Iterable[Row]) -> None:
        """Rows that an earlier run has brought in: whom they name is still named."""
        for row in rows:
            with suppress(BadRow):
                cells = whole(row, self.columns)
                given = next((cells[place] for place in self._at.email if cells[place]), "")
                self._named.add(hash(find_address(given).address.key))

    def _note(self, line: int, address: Address, standing: Standing) -> None:
        """Remark who is named twice, and a reader's address that looks like a slip."""
        number = hash(address.key)
        if number in self._named:
            self.remark(line, Remark.DOUBLE)
        elif standing in (Standing.READER, Standing.PENDING) and looks_misspelt(address.domain):
            self.remark(line, Remark.SLIP)
        self._named.add(number)

    def _address(self, line: int, cells: Sequence[str]) -> Found:
        given = [cells[place] for place in self._at.email if cells[place]]
        if not given:
            raise BadRow(Flaw.NO_ADDRESS)
        if len(given) > 1 and len({one.casefold() for one in given}) > 1:
            self.remark(line, Remark.SECOND_ADDRESS)
        return find_address(given[0])

    def _name(self, line: int, cells: Sequence[str], found: Found) -> str:
        typed = next((cells[place] for place in self._at.name if cells[place]), found.name)
        name = _cleaned(typed)
        if typed and not name:
            self.remark(line, Remark.NAME)
        return name

    def _zone(self, line: int, cells: Sequence[str]) -> str | None:
        named = next((cells[place] for place in self._at.zone if cells[place]), "")
        if named and named not in _zones():
            self.remark(line, Remark.ZONE)
            return None
        return named or None

    def _language(self, line: int, cells: Sequence[str]) -> str | None:
        """Code of the nearest language we have: other programs add a country."""
        named = next((cells[place] for place in self._at.language if cells[place]), "")
        found = self.languages.nearest(named) if named else None
        if named and found is None:
            self.remark(line, Remark.LANGUAGE)
        return found.code if found else None

    def _paused(self, line: int, cells: Sequence[str]) -> datetime | None:
        """Only in our own export's format (ISO 8601 with a zone)."""
        cell = next((cells[place] for place in self._at.paused if cells[place]), "")
        try:
            until = datetime.fromisoformat(cell) if cell else None
        except ValueError:
            until = None
        if cell and (until is None or until.tzinfo is None):
            self.remark(line, Remark.DATE)
            return None
        return until if until and self.now < until < self.now + LONGEST_PAUSE else None

    def _date(self, line: int, cells: Sequence[str], places: Sequence[int]) -> datetime | None:
        for place in places:
            text = cells[place]
            if not text or not is_date_like(text):
                continue
            if (at := read_date(text, self.day_first, self.now)) is not None:
                return at
            self.remark(line, Remark.DATE)
        return None

    def _tags(self, cells: Sequence[str]) -> tuple[str, ...]:
        named: dict[str, None] = {}
        for place in self._at.tags:
            if cells[place]:
                named.update(dict.fromkeys(_tags_in(cells[place])))
        return tuple(named)[:MOST_TAGS]

    def _topics(self, line: int, cells: Sequence[str]) -> TopicChoice:
        """The topics named; unknown ones are dropped with a remark."""
        given = [cells[place] for place in self._at.topics]
        if all(cell == export.EVERY_TOPIC for cell in given):
            return EVERY_TOPIC
        named = {name for cell in given for name in map(characters.line, split_tags(cell)) if name}
        if named - self.topics.keys():
            self.remark(line, Remark.TOPIC)
        return TopicChoice.of(self.topics[name] for name in named if name in self.topics)

    def _fields(self, line: int, cells: Sequence[str]) -> dict[int, str]:
        found: dict[int, str] = {}
        for place, own in self.columns.own.items():
            try:
                if value := self._value(own, cells[place]):
                    found[own.id] = value
            except BadValue:
                self.remark(line, Remark.FIELD)
        return found

    def _value(self, own: Field, cell: str) -> str:
        if own.kind is FieldKind.DATE and cell and (day := read_day(cell, self.day_first)):
            return own.read(day.isoformat())
        return own.read(cell)


class _Places(NamedTuple):
    """Column indices by purpose, looked up once per file instead of per row."""

    email: tuple[int, ...]
    name: tuple[int, ...]
    newsletter: tuple[int, ...]
    zone: tuple[int, ...]
    language: tuple[int, ...]
    joined: tuple[int, ...]
    confirmed: tuple[int, ...]
    left: tuple[int, ...]
    paused: tuple[int, ...]
    weekly: tuple[int, ...]
    objects: tuple[int, ...]
    tags: tuple[int, ...]
    topics: tuple[int, ...]

    @classmethod
    def of(cls, columns: Columns) -> "_Places":
        """The indices for this header."""
        at = columns.at
        return cls(
            email=at(Role.EMAIL), name=at(Role.FIRST_NAME) + at(Role.FULL_NAME), newsletter=at(Role.NEWSLETTER),
            zone=at(Role.ZONE), language=at(Role.LANGUAGE), joined=at(Role.JOINED) + at(Role.SUBSCRIBED),
            confirmed=at(Role.CONFIRMED),
            left=at(Role.UNSUBSCRIBED) + at(Role.BOUNCED) + at(Role.COMPLAINED), paused=at(Role.PAUSED),
            weekly=at(Role.WEEKLY), objects=at(Role.OBJECTS), tags=at(Role.TAGS), topics=at(Role.TOPICS),
        )  # fmt: skip


def whole(row: Row, columns: Columns) -> list[str]:
    """A row's cleaned cells, exactly one per column. Raises BadRow if there are too many, or no status."""
    if row.flaw is not None:
        raise BadRow(row.flaw)
    words, width = columns.words, len(columns.headings)
    cells = [cell and (unguarded(cell) if place in words else bare(cell)) for place, cell in enumerate(row.cells)]
    if len(cells) > width and any(cells[width:]):
        raise BadRow(Flaw.TOO_MANY_CELLS)
    if len(cells) != width:
        cells = cells[:width] + [""] * (width - len(cells))
    if columns.needed and not all(cells[place] for place in columns.needed) and any(cells):
        raise BadRow(Flaw.NO_STATUS)
    return cells


def split_tags(cell: str) -> list[str]:
    """The tags in a cell: separated by commas, semicolons or bars, quoted (Mailchimp), or JSON."""
    if cell.startswith("["):
        try:
            listed = json.loads(cell)
        except ValueError:
            return [cell]
        named = [one.get("name") if isinstance(one, dict) else one for one in listed]
        return [one for one in named if isinstance(one, str)]
    if '"' in cell:
        try:
            return next(csv.reader([cell], skipinitialspace=True, strict=True))
        except (csv.Error, StopIteration):
            return [cell.replace('"', "")]
    return re.split("[,;|]", cell)


@lru_cache(10_000)
def _tags_in(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, map(clean_tag, split_tags(cell))))


@lru_cache(10_000)
def _cleaned(typed: str) -> str:
    return clean_name(typed)


@cache
def _zones() -> frozenset[str]:
    return frozenset(known_zones())
