"""Reads a file's header: its separator and columns; and the rows after it."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from newsletter.imports.columns import Columns, Role, no_addresses, recognise
from newsletter.imports.report import BadFile
from newsletter.imports.rows import SEPARATORS, Row, rows, split
from newsletter.imports.source import Line, Source
from newsletter.languages import Number, said
from newsletter.subscribers import Field

MOST_COLUMNS = 500
"""No program exports more, and each column is a question on a page."""
FIRST = 50
"""Rows of a file without a header that are read to find its width and its address column."""
_ADDRESS = re.compile(r"[^\s@,;|]+@[^\s@,;|]+\.[^\s@,;|]+")


@dataclass(frozen=True, slots=True)
class Glance:
    """A file's columns and first rows."""

    columns: Columns
    separator: str
    encoding: str
    rows: tuple[tuple[str, ...], ...]


def rows_of(source: Source, separator: str, columns: Columns) -> Iterator[Row]:
    """Every row after the header, if there is one."""
    found = rows(_after_sep(source.lines()), separator, columns.is_whole)
    if columns.headed:
        next(found)
    return found


def glance(source: Source, fields: Iterable[Field] = (), most: int = 1000, *, headed: bool | None = None) -> Glance:
    """The columns and the first rows, not validated. `headed`: whether the first row is a header; None: guess.
    Raises BadFile if it is not a table."""
    columns, separator, _ = read_columns(source, fields, headed)
    seen = islice(rows_of(source, separator, columns), most)
    first = tuple(tuple(row.cells) for row in seen if row.flaw is None)
    return Glance(columns=columns, separator=separator, encoding=source.label, rows=first)


def read_columns(source: Source, fields: Iterable[Field] = (), headed: bool | None = None) -> tuple[Columns, str, str]:
    """The columns, the separator, and the first line as written. `fields`: the owner's custom fields. `headed`: as
    for `glance`. Raises BadFile."""
    header, separator = _read_header(source)
    named = _columns_of(header, separator, fields)
    if headed is None:
        headed = bool(named.at(Role.EMAIL)) or not any(map(_is_address, split(header, separator)))
    return (named if headed else _unnamed(source, separator, named)), separator, header


def _unnamed(source: Source, separator: str, named: Columns) -> Columns:
    """Numbered columns for a file without a header: as many as its first rows have. The one with the most addresses
    becomes the address column."""
    found = islice(rows(_after_sep(source.lines()), separator, lambda cells: False), FIRST)
    first = [row.cells for row in found if row.flaw is None]
    width = min(max([len(named.headings), *map(len, first)]), MOST_COLUMNS)
    counts = [sum(_is_address(row[place]) for row in first if place < len(row)) for place in range(width)]
    places: dict[Role, tuple[int, ...]] = {Role.EMAIL: (counts.index(max(counts)),)} if any(counts) else {}
    return Columns(
        headings=tuple(said("Column %(number)s", number=place + 1) for place in range(width)), places=places,
        program=None, fields=named.fields, headed=False,
    )  # fmt: skip


def _is_address(cell: str) -> bool:
    """Whether a cell is an address and nothing else, which a heading never is."""
    return _ADDRESS.fullmatch(cell.strip().strip("<>")) is not None


def _after_sep(lines: Iterator[Line]) -> Iterator[Line]:
    """The lines after Excel's “sep=;”, if present."""
    if (first := next(lines, None)) is not None and _sep(first) is None:
        yield first
    yield from lines


def _sep(line: Line) -> str | None:
    text = line.text.strip(' "\r')
    if text[:4].lower() == "sep=" and text[4:5] in SEPARATORS and len(text) == 5:
        return text[4]
    return None


def _read_header(source: Source) -> tuple[str, str]:
    """The first line and its separator. Raises BadFile."""
    named = None
    for line in source.lines():
        if line.number == 1 and (named := _sep(line)) is not None:
            continue
        if line.text.strip():
            return line.text, named or _separator(line.text)
    raise no_addresses("")


def _separator(header: str) -> str:
    """The best separator for the first line: one that yields an address heading, else a cell with an address, else the
    most cells."""

    def worth(separator: str) -> tuple[bool, bool, int]:
        try:
            cells = split(header, separator)
        except ValueError:
            return (False, False, 0)
        return (bool(recognise(cells).at(Role.EMAIL)), any(map(_is_address, cells)), len(cells))

    return max(SEPARATORS, key=worth)


def _columns_of(header: str, separator: str, fields: Iterable[Field] = ()) -> Columns:
    """The columns of a header line. Raises BadFile."""
    try:
        headings = split(header, separator)
    except ValueError:
        raise BadFile(said("The first line, which names the columns, has a quote that is not closed.")) from None
    if len(headings) > MOST_COLUMNS:
        raise BadFile(
            said("The first line names %(count)s columns, and %(most)s are the most. A list has a row for each person: "
                 "is this the right file?", count=Number(len(headings)), most=MOST_COLUMNS)
        )  # fmt: skip
    return recognise(headings, fields)


def headings_hash(file: BinaryIO, headed: bool | None) -> str:
    """SHA-256 of the headings, to recognise a file with the same columns; "" without a header. Raises BadFile."""
    columns = glance(Source(file), most=0, headed=headed).columns
    if not columns.headed:
        return ""
    return hashlib.sha256("\0".join(columns.headings).casefold().encode()).hexdigest()
