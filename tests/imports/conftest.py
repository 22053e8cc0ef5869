"""A file comes in: bring("email\\njane@example.com\\n") or bring(b"...", name="list.csv")."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.imports import Fate, ImportState, Report, Work, import_csv
from newsletter.imports.mapping import Meaning
from newsletter.imports.record import begin
from newsletter.imports.uploads import Upload
from newsletter.subscribers import Subscriber
from tests.conftest import NOON

SECRET = b"k" * 40
BASIS = "Asked for it at the desk"
ROWS = 25


def bring_into(database: Database, text: str | bytes, **options: Any) -> Report:
    """Import a file's text."""
    content = text.encode() if isinstance(text, str) else text
    return import_csv(database, io.BytesIO(content), BASIS, [SECRET], options.pop("now", NOON), **options)


def tally(report: Report) -> dict[str, int]:
    """The fates that somebody had."""
    return {str(fate): number for fate, number in report.fates.items() if number and fate in Fate}


@pytest.fixture
def bring(database: Database) -> Callable[..., Report]:
    """Imports a file into this test's database."""
    return lambda text, **options: bring_into(database, text, **options)


@pytest.fixture
def statuses(database: Database) -> Callable[[], dict[str, str]]:
    """Who is there, and where they stand; readers of the newsletter are marked."""

    def read() -> dict[str, str]:
        with database.reading() as session:
            every = session.scalars(select(Subscriber).order_by(Subscriber.id))
            return {one.email: f"{one.status}{'+' if one.newsletter else ''}" for one in every}

    return read


@pytest.fixture
def work(database: Database, tmp_path: Path, clock: FixedClock) -> Work:
    """A worker on this test's database."""
    return Work(database=database, uploads=tmp_path / "imports", secrets=[SECRET], clock=clock.now)


@pytest.fixture
def ready(work: Work, database: Database, clock: FixedClock) -> Callable[..., int]:
    """A file whose import has just been started: its number."""

    def made(text: str = "email\n" + "".join(f"p{n}@example.com\n" for n in range(ROWS)), *, status: bool = False,
             tags: tuple[str, ...] = ()) -> int:  # fmt: skip
        upload = Upload.keep(work.uploads, io.BytesIO(text.encode()))
        with database.transaction() as session:
            it = begin(session, "list.csv", clock.now(), ImportState.READY, token=upload.token, size=upload.size)
            columns = [Meaning("email"), *([Meaning("status")] if status else [])]
            it.meanings, it.basis, it.tags = [one.as_json() for one in columns], BASIS, list(tags)
            it.start(clock.now())
            return it.id

    return made
