"""Splits lines into rows of cells (RFC 4180); an unbalanced quote costs one row, not the rest of the file."""

import csv
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from newsletter.imports.report import Flaw
from newsletter.imports.source import Line

SEPARATORS = (",", ";", "\t", "|")
LONGEST_CELL = 200
"""Lines that one cell may span."""
LARGEST_CELL = 100_000
"""Characters of a row that spans several lines."""


class Row(NamedTuple):
    """One row: its first line number, its cells, its original text, and what is wrong with it."""

    line: int
    cells: list[str]
    text: str
    flaw: Flaw | None = None


class _OpenQuote(ValueError):
    """A quote is not closed within the text."""


class _StrayQuote(ValueError):
    """Text follows a closing quote."""


def split(text: str, separator: str) -> list[str]:
    """The cells of a row. Raises ValueError for unbalanced quotes."""
    if '"' not in text:
        return text.split(separator)
    asked_on = False

    def lines() -> Iterator[str]:
        nonlocal asked_on
        yield text
        asked_on = True

    try:
        return next(csv.reader(lines(), delimiter=separator, strict=True, skipinitialspace=True))
    except (csv.Error, StopIteration):
        raise (_OpenQuote if asked_on else _StrayQuote) from None


def rows(lines: Iterator[Line], separator: str, is_whole: Callable[[list[str]], bool]) -> Iterator[Row]:
    """Every row that is not blank.

    `is_whole`: whether cells look like a complete row. If a line after an open quote does, the quote was a mistake: its
    line is reported as flawed and this one read normally.
    """
    ahead: deque[Line] = deque()
    while (line := ahead.popleft() if ahead else next(lines, None)) is not None:
        if not line.text.strip():
            continue
        if not line.sound:
            yield Row(line=line.number, cells=[], text=line.text, flaw=Flaw.BAD_BYTES)
            continue
        try:
            yield Row(line.number, split(line.text, separator), line.text)
        except _OpenQuote:
            yield _joined(line, ahead, lines, separator, is_whole)
        except _StrayQuote:
            yield Row(line=line.number, cells=[], text=line.text, flaw=Flaw.STRAY_QUOTE)


def _joined(first: Line, ahead: deque[Line], lines: Iterator[Line], separator: str,
            is_whole: Callable[[list[str]], bool]) -> Row:  # fmt: skip
    """A row whose cell continues on the next lines; if none closes the quote, only the first line is flawed."""
    text = first.text
    for number in range(LONGEST_CELL):
        while len(ahead) <= number:
            if (fresh := next(lines, None)) is None:
                return Row(line=first.number, cells=[], text=first.text, flaw=Flaw.OPEN_QUOTE)
            ahead.append(fresh)
        following = ahead[number]
        if _stands_alone(following, separator, is_whole):
            break
        text = f"{text}\n{following.text}"
        if len(text) > LARGEST_CELL:
            break
        if '"' not in following.text:
            continue
        try:
            cells = split(text, separator)
        except _OpenQuote:
            continue
        except _StrayQuote:
            break
        for _ in range(number + 1):
            ahead.popleft()
        return Row(first.number, cells, text)
    return Row(line=first.number, cells=[], text=first.text, flaw=Flaw.OPEN_QUOTE)


def _stands_alone(line: Line, separator: str, is_whole: Callable[[list[str]], bool]) -> bool:
    try:
        return is_whole(split(line.text, separator))
    except ValueError:
        return False
