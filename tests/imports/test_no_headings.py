"""Lists whose first row is somebody's: recognised, mapped by the columns' numbers, imported with that row too."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.db import Database
from newsletter.imports import BadFile, ErrorsFile, Fate, Import, ImportState, Report, Work, import_csv
from newsletter.imports.header import glance, headings_hash
from newsletter.imports.mapping import Meaning, propose
from newsletter.imports.record import begin
from newsletter.imports.run import Order
from newsletter.imports.sentences import how_read
from newsletter.imports.source import Source
from newsletter.imports.uploads import Upload
from tests.conftest import NOON
from tests.imports.conftest import BASIS, SECRET

Bring = Callable[..., Report]
BARE = "Jane,jane@example.com,golf\nBo,bo@example.com,\nNobody,,\n"


def seen(text: str, **options: bool | None) -> tuple[bool, list[str], list[str]]:
    """Whether the first row names the columns, what they are called, and what is proposed for each."""
    found = glance(Source(io.BytesIO(text.encode())), **options)
    meanings = propose(found.columns, found.rows)
    return found.columns.headed, [str(one) for one in found.columns.headings], [one.what for one in meanings]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("text", "headed", "email"),
    [
        (BARE, False, 1),
        ("jane@example.com\nbo@example.com\n", False, 0),
        ("jane@example.com;Jane\n", False, 0),
        ("jane@example.com;likes a, b, c\nbo@example.com;x\n", False, 0),
        ("sep=;\njane@example.com;Jane\n", False, 0),
        ('"Smith, Jane",<jane@example.com>\n', False, 1),
        ("boss@example.com,jane@example.com\n,bo@example.com\n", False, 1),  # where most addresses stand
        ("Jane\njane@example.com\n", True, None),
        ("email,name\njane@example.com,Jane\n", True, 0),
        ("email,ask paul@example.com\njane@example.com,Jane\n", True, 0),
        ("Adresse,Name\njane@example.com,Jane\n", True, None),
        ("ask @ the desk,x\n", True, None),
    ],
)
def test_the_first_row_is_taken_for_what_it_looks_like(text: str, headed: bool, email: int | None) -> None:
    found, names, meanings = seen(text)
    assert found is headed
    assert [place for place, one in enumerate(meanings) if one == "email"] == ([] if email is None else [email])
    if not headed:
        assert names == [f"Column {number + 1}" for number in range(len(names))]


@pytest.mark.sqlite_only
def test_what_its_owner_says_counts() -> None:
    assert seen(BARE, headed=True)[1] == ["Jane", "jane@example.com", "golf"]
    headed, names, meanings = seen("Adresse,Name\njane@example.com,Jane\n", headed=False)
    assert (headed, names, meanings) == (False, ["Column 1", "Column 2"], ["email", ""])


@pytest.mark.sqlite_only
def test_rows_that_are_longer_than_the_first_have_columns_too() -> None:
    assert seen("jane@example.com\nbo@example.com,Bo,golf\n")[1] == ["Column 1", "Column 2", "Column 3"]


@pytest.mark.sqlite_only
def test_columns_without_names_are_no_columns_to_know_again() -> None:
    assert headings_hash(io.BytesIO(BARE.encode()), None) == ""
    assert headings_hash(io.BytesIO(BARE.encode()), True) != ""


def test_the_first_row_comes_in_too_and_lines_are_counted_from_it(
    bring: Bring, statuses: Callable[[], dict[str, str]]
) -> None:
    report = bring(BARE)
    assert list(statuses()) == ["jane@example.com", "bo@example.com"]
    assert (report.read, [one.line for one in report.bad]) == (3, [3])
    assert "the first row is read as a person's" in " ".join(how_read(report.reading))
    assert report.reading.used == (("Column 2", "address"),)
    assert Report.of_json(report.as_json()).reading.headed is False


def test_the_errors_file_names_the_first_line(database: Database, tmp_path: Path) -> None:
    errors = ErrorsFile(tmp_path / "errors.csv")
    text = "jane@@example,jane@example.com x\nbo@example.com,\n"
    order = Order(basis=BASIS, headed=False, meanings=[Meaning("email"), Meaning("")])
    import_csv(database, io.BytesIO(text.encode()), BASIS, [SECRET], order=order, errors=errors, now=NOON)
    assert errors.path.read_text(encoding="utf-8").splitlines()[1].startswith("1,")


def test_a_word_for_those_who_left_is_not_read_over(bring: Bring) -> None:
    with pytest.raises(BadFile, match=r"Line 2.*Column 2.*unsubscribed"):
        bring("jane@example.com,subscribed\nbo@example.com,unsubscribed\n")


@pytest.mark.parametrize("stopped_behind", [1, 2])
def test_stopped_and_gone_on_with_no_row_is_lost_or_doubled(
    work: Work, database: Database, statuses: Callable[[], dict[str, str]], monkeypatch: pytest.MonkeyPatch,
    stopped_behind: int,
) -> None:  # fmt: skip
    monkeypatch.setattr("newsletter.imports.run.BATCH", 2)
    text = "".join(f"P{number},p{number}@example.com\n" for number in range(7))
    upload = Upload.keep(work.uploads, io.BytesIO(text.encode()))
    with database.transaction() as session:
        it = begin(session, "list.csv", NOON, ImportState.MAPPING, token=upload.token, size=upload.size)
        it.choose_columns(NOON, [Meaning("first_name"), Meaning("email")])
        id = it.id
    work.go_on(60)
    with database.transaction() as session:
        session.get_one(Import, id).answer(NOON, basis=BASIS, tags=[], topics=None, answers={})
    work.go_on(60)
    with database.transaction() as session:
        it = session.get_one(Import, id)
        assert it.told is not None and it.told.fates[Fate.ADDED] == 7
        it.start(NOON)
    asked = 0

    def stopping() -> bool:
        nonlocal asked
        asked += 1
        return asked > stopped_behind + 2

    work.stopping = stopping
    work.go_on(60)
    assert 0 < len(statuses()) < 7
    work.stopping = lambda: False
    work.go_on(60)
    assert list(statuses()) == [f"p{number}@example.com" for number in range(7)]
    with database.transaction() as session:
        it = session.get_one(Import, id)
        assert it.told is not None and (it.state, it.told.read) == (ImportState.DONE, 7)
        it.undo(NOON, forgets_gone=False)
    work.go_on(60)
    assert statuses() == {}
