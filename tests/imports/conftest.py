"""A file comes in: bring("email\\njane@example.com\\n") or bring(b"...", name="list.csv")."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from newsletter.db import Database
from newsletter.imports import Fate, Report, import_csv
from newsletter.subscribers import Subscriber
from tests.conftest import NOON

SECRET = b"k" * 40
BASIS = "Asked for it at the desk"


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
