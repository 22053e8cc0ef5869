"""What of a file an owner may want to look at: likely slips, and people named twice. Nothing is changed by it."""

import io
from collections.abc import Callable

from newsletter.db import Database
from newsletter.imports import Fate
from newsletter.imports.record import Import, ImportState
from newsletter.imports.report import Remark, Report
from newsletter.imports.run import Order, Run
from newsletter.imports.sentences import refusals, to_look_at
from newsletter.imports.work import Work
from tests.conftest import NOON
from tests.imports.conftest import BASIS, SECRET, bring_into

SLIPS = "Addresses that look misspelt, such as gmial.com for gmail.com; taken as they are: "
DOUBLES = "Rows about somebody whom an earlier row names already; each person comes in once: "
LIST = "email\njane@gmial.com\njoe@example.com\nJANE@gmial.com\njoe@example.com\njoe@example.com\nann@hotmial.com\n"


def test_slips_and_doubles_are_told_with_their_lines_and_everybody_comes_in_as_written(
    database: Database, statuses: Callable[[], dict[str, str]]
) -> None:
    for dry_run in (True, False):
        report = bring_into(database, LIST, dry_run=dry_run)
        assert (report.fates[Fate.ADDED], report.fates[Fate.KNOWN]) == (3, 3)
        assert to_look_at(report) == [f"{SLIPS}2 (lines 2, 7)", f"{DOUBLES}3 (lines 4, 5, 6)"]
        assert refusals(report) == [], "nothing was left out"
        assert to_look_at(Report.of_json(report.as_json())) == to_look_at(report)
    assert set(statuses()) == {"jane@gmial.com", "joe@example.com", "ann@hotmial.com"}


def test_of_many_the_first_lines_are_told_and_of_one_its_line(database: Database) -> None:
    report = bring_into(database, "email\n" + "".join(f"p{n}@gmial.com\n" for n in range(9)) + "p0@gmial.com\n")
    assert to_look_at(report) == [f"{SLIPS}9 (the first in lines 2, 3, 4, 5, 6)", f"{DOUBLES}1 (line 11)"]


def test_nobody_is_told_of_the_slips_of_people_who_are_not_written_to(database: Database) -> None:
    report = bring_into(database, "email,status\njane@gmial.com,unsubscribed\njoe@gmail.com,subscribed\n")
    assert to_look_at(report) == []


def test_who_was_named_before_a_stop_is_still_named_behind_it(database: Database) -> None:
    half = bring_into(database, "email\njoe@example.com\n")
    rest = Run(database=database, order=Order(basis=BASIS), secrets=[SECRET], now=NOON, behind=half)
    whole = rest.through(io.BytesIO(b"email\njoe@example.com\njoe@example.com\n"))
    assert (whole.read, whole.remarks) == (2, {Remark.DOUBLE: 1})


def test_a_report_of_an_earlier_version_is_read(database: Database) -> None:
    kept = bring_into(database, "email\njane@gmial.com\n").as_json()
    kept["first_remarks"] = {"slip": 2}
    assert to_look_at(Report.of_json(kept)) == [f"{SLIPS}1 (line 2)"]


def test_the_worker_keeps_them_with_the_import(database: Database, work: Work, ready: Callable[..., int]) -> None:
    number = ready(LIST)
    while work.turn():
        pass
    with database.reading() as session:
        it = session.get_one(Import, number)
    assert it.state is ImportState.DONE and it.told is not None
    assert to_look_at(it.told) == [f"{SLIPS}2 (lines 2, 7)", f"{DOUBLES}3 (lines 4, 5, 6)"]
