"""A file's header: what separates its cells, what its columns are called, and the rows behind it."""

import hashlib
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
"""No program exports so many; each of them is a question on a page."""


@dataclass(frozen=True, slots=True)
class Glance:
    """A file's header and its first rows."""

    columns: Columns
    separator: str
    encoding: str
    rows: tuple[tuple[str, ...], ...]


def rows_of(source: Source, separator: str, columns: Columns) -> Iterator[Row]:
    """Every row behind the header."""
    found = rows(_behind_sep(source.lines()), separator, columns.is_whole)
    next(found)
    return found


def glance(source: Source, fields: Iterable[Field] = (), most: int = 1000) -> Glance:
    """The header and the first rows, without a judgement. Raises BadFile for what is no table at all."""
    header, separator = read_header(source)
    columns = columns_of(header, separator, fields)
    seen = islice(rows_of(source, separator, columns), most)
    first = tuple(tuple(row.cells) for row in seen if row.flaw is None)
    return Glance(columns=columns, separator=separator, encoding=source.label, rows=first)


def _behind_sep(lines: Iterator[Line]) -> Iterator[Line]:
    """The lines without Excel's “sep=;”."""
    if (first := next(lines, None)) is not None and _sep(first) is None:
        yield first
    yield from lines


def _sep(line: Line) -> str | None:
    text = line.text.strip(' "\r')
    if text[:4].lower() == "sep=" and text[4:5] in SEPARATORS and len(text) == 5:
        return text[4]
    return None


def read_header(source: Source) -> tuple[str, str]:
    """The header's line, and what separates its cells. Raises BadFile."""
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
        return (bool(recognise(cells).at(Role.EMAIL)), len(cells))

    return max(SEPARATORS, key=worth)


def columns_of(header: str, separator: str, fields: Iterable[Field] = ()) -> Columns:
    """The columns that a header names. `fields`: the owner's own. Raises BadFile."""
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


def headings_hash(file: BinaryIO) -> str:
    """By which a file with the same columns is known again. Raises BadFile."""
    columns = glance(Source(file), most=0).columns
    return hashlib.sha256("\0".join(columns.headings).casefold().encode()).hexdigest()
