"""The first reading of a file, before anything is written: how it is put together, and whether it can be trusted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from newsletter.imports.address import BadRow
from newsletter.imports.columns import MAILCHIMP_KINDS, Columns, Program, Role, no_addresses, recognise
from newsletter.imports.dates import says_order
from newsletter.imports.person import whole
from newsletter.imports.report import BadFile, Reading
from newsletter.imports.rows import SEPARATORS, Row, rows, split
from newsletter.imports.source import Line, Source
from newsletter.imports.standing import Standing, StandingJudge, UnknownStatus, says_gone
from newsletter.subscribers import Field, FieldKind

_KINDS = {"unsubscribed": Standing.LEFT, "cleaned": Standing.BOUNCED}
_DATED = (Role.JOINED, Role.CONFIRMED, Role.SUBSCRIBED, Role.UNSUBSCRIBED, Role.BOUNCED, Role.COMPLAINED)
_REMEMBERED = 10_000
"""Ways to be subscribed that were seen before and need not be judged again."""
_TELLING = (Role.STATUS, Role.STATE, Role.LISTS, *_DATED[1:])


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


def rows_of(source: Source, separator: str, columns: Columns) -> Iterator[Row]:
    """Every row behind the header."""
    found = rows(_behind_sep(source.lines()), separator, columns.is_whole)
    next(found)
    return found


def survey(source: Source, name: str, fields: Iterable[Field] = ()) -> Survey:
    """Read the file through once. `name`: its file name, by which Mailchimp alone tells some lists apart.
    `fields`: the owner's own.

    Raises BadFile when it cannot be imported.
    """
    header, separator = _header(source)
    columns = _columns(header, separator, fields)
    seen = _read_through(source, separator, columns)
    columns = seen.columns
    otherwise = _otherwise(columns, name)
    reading = Reading(
        encoding=source.label, separator=separator, program=columns.program,
        used=columns.used, unused=columns.unused, odd_lines=source.odd_lines if source.utf8_lines else 0,
    )  # fmt: skip
    return Survey(
        columns=columns,
        separator=separator,
        day_first=seen.day_first,
        asked=frozenset(seen.asked),
        otherwise=otherwise,
        reading=reading,
    )


def _behind_sep(lines: Iterator[Line]) -> Iterator[Line]:
    """The lines without Excel's “sep=;”."""
    for line in lines:
        if line.number > 1 or _sep(line) is None:
            yield line


def _sep(line: Line) -> str | None:
    text = line.text.strip(' "\r')
    if text[:4].lower() == "sep=" and text[4:5] in SEPARATORS and len(text) == 5:
        return text[4]
    return None


def _header(source: Source) -> tuple[str, str]:
    """The header's line, and what separates its cells."""
    named = None
    for line in source.lines():
        if line.number == 1 and (named := _sep(line)) is not None:
            continue
        if line.text.strip():
            return line.text, named or _separator(line.text)
    raise no_addresses("")


def _separator(header: str) -> str:
    """The separator that makes the most of the header: one with a column of addresses before one without."""

    def worth(separator: str) -> tuple[bool, int]:
        try:
            cells = split(header, separator)
        except ValueError:
            return (False, 0)
        return (recognise(cells) is not None, len(cells))

    return max(SEPARATORS, key=worth)


def _columns(header: str, separator: str, fields: Iterable[Field]) -> Columns:
    try:
        columns = recognise(split(header, separator), fields)
    except ValueError:
        raise BadFile("The first line, which names the columns, has a quote that is not closed.") from None
    if columns is None:
        raise no_addresses(header)
    return columns


@dataclass
class _Seen:
    """What one reading of a file told: the order of its dates, and which of its columns say who wants mail."""

    columns: Columns
    day_first: bool | None = None
    asked: set[int] = field(default_factory=set)
    known: int = 0
    """Rows that a column “state”, if there is one, tells the status of; else somebody lives there."""
    odd: tuple[int, UnknownStatus] | None = None

    def __post_init__(self) -> None:
        self._dated = [place for role in _DATED for place in self.columns.at(role)]
        self._dated += [place for place, field in self.columns.own.items() if field.kind is FieldKind.DATE]
        used = {place for places in self.columns.places.values() for place in places} | self.columns.own.keys()
        self._unused = () if self.columns.needed else tuple(set(range(len(self.columns.headings))) - used)

    def look(self, row: Row) -> None:
        """Take note of a row. Raises BadFile where a column that is not read says who left."""
        if self.day_first is None and ("/" in row.text or "-" in row.text):
            said = (says_order(_cell(row, place)) for place in self._dated)
            self.day_first = next((one for one in said if one is not None), None)
        for place in self.columns.at(Role.SUBSCRIBED):
            if _cell(row, place).strip():
                self.asked.add(place)
        for place in self._unused:
            if says_gone(word := _cell(row, place)):
                raise _unread(row.line, word, self.columns.headings[place])

    def note(self, line: int, error: UnknownStatus) -> None:
        """A status that is not known: told at once, but for “state”, which may say where people live."""
        states = self.columns.at(Role.STATE)
        if not states or self.columns.headings[states[0]] != error.column:
            raise _unknown(line, error) from None
        self.odd = self.odd or (line, error)


def _read_through(source: Source, separator: str, columns: Columns) -> _Seen:
    seen, judge = _Seen(columns), StandingJudge(columns)
    sound: set[tuple[str, ...]] = set()
    for row in rows_of(source, separator, columns):
        seen.look(row)
        raw = tuple(_cell(row, place) for place in judge.places)
        if raw in sound:
            continue
        try:
            judge(whole(row, columns))
            seen.known += 1
            if len(sound) < _REMEMBERED:
                sound.add(raw)
        except BadRow:
            continue
        except UnknownStatus as error:
            seen.note(row.line, error)
    if seen.odd is not None and seen.known:
        raise _unknown(*seen.odd)
    if Role.STATE in columns.places and not seen.known:
        return _read_through(source, separator, columns.without(Role.STATE))  # it says where people live
    return seen


def _cell(row: Row, place: int) -> str:
    return row.cells[place] if place < len(row.cells) else ""


def _unread(line: int, word: str, heading: str) -> BadFile:
    column = f"the column “{heading}”" if heading else "a column without a name"
    return BadFile(
        f"Line {line}: {column} says “{word}”, but by that name nobody can know that it tells who wants mail. Nothing "
        "was written. Call it “status”, or take it out if it says something else."
    )


def _unknown(line: int, error: UnknownStatus) -> BadFile:
    return BadFile(
        f"Line {line}: “{error.value[:80]}” in the column “{error.column}” is no status that is known here, so it "
        "cannot be told whether these people want mail. Nothing was written. Write subscribed, pending, unsubscribed, "
        "blocked, bounced or complained instead, or rename the column if it says something else."
    )


def _otherwise(columns: Columns, name: str) -> Standing:
    """Where people stand when no column says it: readers, unless Mailchimp put their kind into the file's name."""
    kind = MAILCHIMP_KINDS.search(name)
    if kind is None:
        return Standing.READER
    if columns.program is Program.MAILCHIMP:
        return _KINDS.get(kind[1].lower(), Standing.NEVER_AGREED)
    if not any(columns.at(role) for role in _TELLING):
        raise BadFile(
            f"By its name, “{name}” holds people who are not to be written to, but no column says so. Nothing was "
            "written. Add a column “status” (unsubscribed, bounced …), or rename the file if its name misleads."
        )
    return Standing.READER
