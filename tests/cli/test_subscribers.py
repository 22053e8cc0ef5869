"""Subscribers in and out, by CSV."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.db import Database
from newsletter.subscribers import Status, Subscriber, read_address, register
from tests.cli.conftest import Command


def _file(tmp_path: Path, content: bytes) -> str:
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    return str(file)


def test_people_come_in_confirmed_and_the_tally_is_told(command: Command, tmp_path: Path, house: Database) -> None:
    file = _file(tmp_path, b"\xef\xbb\xbfemail,first_name\r\njane@example.com,Zo\xc3\xab\r\nnobody,\r\n")
    told = command("subscribers", "import", file, "--consent-basis", "At the desk")
    assert told.exit_code == 0
    assert "1 added" in told.output and "1 refused, of 2 rows" in told.output and "line 3:" in told.output
    with house.reading() as session:
        jane = session.scalars(select(Subscriber)).one()
    assert (jane.first_name, jane.status) == ("Zoë", Status.CONFIRMED)


@pytest.mark.parametrize("content", [b"", b"name\nJane\n", b"email\n\xff\xfe\n"])
def test_a_file_that_cannot_be_read_is_told_without_a_traceback(
    content: bytes, command: Command, tmp_path: Path
) -> None:
    told = command("subscribers", "import", _file(tmp_path, content), "--consent-basis", "x")
    assert told.exit_code == 1
    assert "Error:" in told.output


def test_how_people_agreed_must_be_said(command: Command, tmp_path: Path) -> None:
    file = _file(tmp_path, b"email\njane@example.com\n")
    assert command("subscribers", "import", file).exit_code == 2
    assert command("subscribers", "import", file, "--consent-basis", "  ").exit_code == 2


def test_what_goes_out_can_be_read_back(command: Command, tmp_path: Path, house: Database) -> None:
    with house.transaction() as session:
        register(session, read_address("jane@example.com"), datetime(2026, 6, 1, tzinfo=UTC), 'Zoë, "Z"')
    file = tmp_path / "out.csv"
    assert command("subscribers", "export", str(file)).exit_code == 0
    (row,) = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
    assert (row["email"], row["first_name"], row["status"]) == ("jane@example.com", 'Zoë, "Z"', "pending")
    assert row["created_at"] == "2026-06-01T00:00:00+00:00"
    assert sorted(one.name for one in tmp_path.glob("out*")) == ["out.csv"]


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM"])
def test_a_name_that_a_spreadsheet_would_run_goes_out_as_text(name: str, command: Command, house: Database) -> None:
    with house.transaction() as session:
        register(session, read_address("jane@example.com"), datetime(2026, 6, 1, tzinfo=UTC), name)
    (row,) = csv.DictReader(io.StringIO(command("subscribers", "export").output))
    assert row["first_name"] == f"'{name}"
