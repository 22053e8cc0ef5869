"""Quotes: what they hold together, and what a broken one costs."""

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.imports import Flaw, Report
from newsletter.imports.columns import recognise
from newsletter.imports.rows import rows
from newsletter.imports.source import Line

Bring = Callable[..., Report]
Statuses = Callable[[], dict[str, str]]


def _rows(text: str, header: str = "email,note") -> list[tuple[int, list[str], Flaw | None]]:
    columns = recognise(header.split(","))
    assert columns is not None
    lines = (Line(number, line) for number, line in enumerate(text.split("\n"), 1))
    return [(row.line, row.cells, row.flaw) for row in rows(lines, ",", columns.is_whole)]


def test_a_cell_may_run_over_lines() -> None:
    assert _rows('a@x.example,"one\n\ntwo"\nb@x.example,n') == [
        (1, ["a@x.example", "one\n\ntwo"], None),
        (4, ["b@x.example", "n"], None),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        'a@x.example,"Ann',
        'a@x.example,"Ann\nmore of her note',
        '"a@x.example,Ann',
        'a@x.example,"An"n"',
        'a@x.example,"Ann" Smith',
    ],
)
@pytest.mark.parametrize("later", ["", '\nd@x.example,"Dan', '\nd@x.example,"Dan"', '\nd@x.example,Dan"'])
def test_a_broken_quote_costs_its_own_row(broken: str, later: str) -> None:
    found = _rows(f"{broken}\nb@x.example,Bob\nc@x.example,Cat{later}")
    assert found[0][2] in (Flaw.OPEN_QUOTE, Flaw.STRAY_QUOTE)
    assert [cells for _, cells, flaw in found if flaw is None and len(cells) == 2][:2] == [
        ["b@x.example", "Bob"], ["c@x.example", "Cat"]
    ]  # fmt: skip


def test_in_a_file_of_addresses_only_too(bring: Bring, statuses: Statuses) -> None:
    report = bring('email\n"a@x.example\nb@x.example\nc@x.example\n')
    assert list(statuses()) == ["b@x.example", "c@x.example"]
    assert [(one.line, one.flaw) for one in report.bad] == [(2, Flaw.OPEN_QUOTE)]


def test_a_cell_too_many_is_told_and_an_empty_one_is_not(bring: Bring, statuses: Statuses) -> None:
    report = bring("email,first_name\na@x.example,Lee, Ann\nb@x.example,Bob,,\nc@x.example\n")
    assert [(one.line, one.flaw) for one in report.bad] == [(2, Flaw.TOO_MANY_CELLS)]
    assert list(statuses()) == ["b@x.example", "c@x.example"]


_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20)


@given(st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=6))
def test_what_the_csv_module_writes_is_read_back(table: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(table)
    lines = (Line(number, line) for number, line in enumerate(out.getvalue().split("\n"), 1))
    found = list(rows(lines, ",", lambda cells: False))
    assert [tuple(row.cells) for row in found] == table
    assert {row.flaw for row in found} == {None}
