"""Subscribers in and out, by CSV."""

import csv
import io
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter.db import Database
from newsletter.imports.run import BATCH
from newsletter.settings import ROOT
from newsletter.subscribers import Status, Subscriber, read_address, register, segments
from newsletter.subscribers.segments.rules import Called, Rules
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


@pytest.mark.parametrize("content", [b"", b"name\nJane\n", b"email,status\na@x.example,asleep\n", b"PK\x03\x04"])
def test_a_file_that_cannot_be_read_is_told_without_a_traceback(
    content: bytes, command: Command, tmp_path: Path
) -> None:
    told = command("subscribers", "import", _file(tmp_path, content), "--consent-basis", "x")
    assert told.exit_code == 1
    assert "Error:" in told.output


def test_a_dry_run_tells_it_all_and_writes_nothing_but_the_errors_file(
    command: Command, tmp_path: Path, house: Database
) -> None:
    file = _file(
        tmp_path,
        "E-Mail;FNAME;Unsubscribed;Shoe\nzoe@x.example;Zoë;;40\nb@x.example;B;yes;\n=bad;;;\n".encode("cp1252"),
    )
    told = command("subscribers", "import", file, "--consent-basis", "x", "--dry-run")
    assert told.exit_code == 0
    assert "Dry run, nothing was written: 1 added" in told.output
    assert "Read as Windows-1252, separated by semicolons" in told.output and "Not used: Shoe." in told.output
    assert "line 4:" in told.output and "1 had left" in told.output
    with house.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []
    (row,) = csv.DictReader(io.StringIO((tmp_path / "people.csv.errors.csv").read_text(encoding="utf-8")))
    assert (row["line"], row["row"]) == ("4", "'=bad;;;") and "e-mail address" in row["reason"]


def test_the_errors_file_goes_where_it_is_told_and_is_not_made_for_nothing(command: Command, tmp_path: Path) -> None:
    file, errors = _file(tmp_path, b"email\njane@example.com\n"), tmp_path / "e.csv"
    assert command("subscribers", "import", file, "--consent-basis", "x", "--errors", str(errors)).exit_code == 0
    assert not errors.exists()
    Path(file).write_bytes(b"email\nnobody\n")
    assert command("subscribers", "import", file, "--consent-basis", "x", "--errors", str(errors)).exit_code == 0
    assert errors.exists()
    assert command("subscribers", "import", file, "--consent-basis", "x", "--errors", "/no/where.csv").exit_code == 2


@pytest.mark.real
def test_who_stops_it_keeps_whole_batches_is_told_where_it_stands_and_can_go_on(
    command: Command, tmp_path: Path, house: Database
) -> None:
    rows = 7 * BATCH
    file = _file(tmp_path, b"email\n" + b"".join(b"p%d@example.com\n" % n for n in range(rows)))
    words = [sys.executable, "-m", "newsletter.cli", "subscribers", "import", file, "--consent-basis", "x"]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)

    def stored() -> int:
        with house.reading() as session:
            return session.scalar(select(func.count(Subscriber.id))) or 0

    while not stored() and running.poll() is None:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 1 and "Traceback" not in output
    line = re.search(r"Stopped behind line (\d+).*Run the same command again", output)
    assert line is not None, output
    assert stored() == int(line[1]) - 1 < rows and stored() % BATCH == 0
    again = command("subscribers", "import", file, "--consent-basis", "x")
    assert f"{rows - int(line[1]) + 1} added, {int(line[1]) - 1} known already" in again.output
    assert stored() == rows


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


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+Ann", "-Ann", "@SUM"])
def test_a_name_that_a_spreadsheet_would_run_goes_out_as_text(name: str, command: Command, house: Database) -> None:
    with house.transaction() as session:
        register(session, read_address("jane@example.com"), datetime(2026, 6, 1, tzinfo=UTC), name)
    (row,) = csv.DictReader(io.StringIO(command("subscribers", "export").output))
    assert row["first_name"] == f"'{name}"


def test_the_command_writes_out_who_is_in_a_segment(command: Command, house: Database, tmp_path: Path) -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    with house.transaction() as session:
        for name in ("jane", "joe"):
            register(session, read_address(f"{name}@example.com"), at, name.title())
        segments.save(session, "Janes", Rules(Called("jane")), at)
    file = tmp_path / "out.csv"
    assert command("subscribers", "export", str(file), "--segment", "janes").exit_code == 0
    assert [row["email"] for row in csv.DictReader(io.StringIO(file.read_text()))] == ["jane@example.com"]
    refused = command("subscribers", "export", str(tmp_path / "other.csv"), "--segment", "Runners")
    assert refused.exit_code == 2
    assert "there is no segment “Runners”; there are: “Janes”" in refused.output
    assert not (tmp_path / "other.csv").exists()
