"""What is left of an upload: nothing of a workbook that was half read, whoever died of it."""

import io
import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.imports import BadFile, ImportState, Work, forget_old, workbook
from newsletter.imports.record import begin
from newsletter.imports.uploads import Upload, forget_naming
from tests.imports.conftest import SECRET
from tests.workbooks import xlsx


class Killed(BaseException):
    """What `kill -9` is to a program: nothing behind it runs."""


@pytest.fixture
def work(database: Database, tmp_path: Path, clock: FixedClock) -> Work:
    return Work(database=database, uploads=tmp_path / "imports", secrets=[SECRET], clock=clock.now)


@pytest.mark.parametrize("how", ["broken", "killed"])
def test_a_workbook_that_was_half_read_leaves_no_rows_behind(
    work: Work, database: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def half_written(book: Path, out: Path, sheet: str, **more: object) -> object:
        out.write_text("jane@example.com")
        raise BadFile("broken") if how == "broken" else Killed

    monkeypatch.setattr(workbook, "to_csv", half_written)
    upload = Upload.keep(work.uploads, io.BytesIO(xlsx({"List": [["email"]]})))
    with database.transaction() as session:
        begin(session, "list.xlsx", clock.now(), ImportState.READING, token=upload.token)
    with suppress(Killed):
        work.turn()
    assert how == "killed" or [*work.uploads.iterdir()] == [upload.book]
    forget_naming(work.uploads, "jane@example.com")
    assert [*work.uploads.iterdir()] == []


def test_a_worker_that_was_killed_at_a_workbook_leaves_nothing_for_ever(
    work: Work, database: Database, clock: FixedClock
) -> None:
    upload = Upload.keep(work.uploads, io.BytesIO(xlsx({"List": [["email"]]})))
    upload.half("a" * 32).write_text("jane@example.com")
    old = (clock.now() - timedelta(days=1)).timestamp()
    for path in work.uploads.iterdir():
        os.utime(path, (old, old))
    forget_old(database, work.uploads, clock.now(), clock.now())
    assert [*work.uploads.iterdir()] == []
