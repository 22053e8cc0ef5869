"""The owner's pages once a list is large: figures are shown as they were counted lately, and no page reads a table."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from bench import years
from bench.parts.owner import pages
from newsletter.db import Database
from newsletter.runtime import Runtime
from newsletter.web import state
from tests.web.owner.conftest import Desk

READ_WHOLE = re.compile(
    r"Seq Scan on (subscribers|messages|consents|enrollments|guide_requests|events|attempts|clicks)\b"
)
SEARCHES = ("people: part of an address", "people: a name", "people: nobody")
"""Words may stand anywhere in an address or a name, which no index of ours finds."""


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "LARGE", 0)


@pytest.mark.usefixtures("large")
def test_a_page_says_how_old_its_numbers_are(desk: Desk, person: Callable[..., int]) -> None:
    person("alice@example.com")
    figures = desk.client.application.extensions["newsletter"].figures
    first = figures.clock()
    figures.clock = lambda: first  # stands still, however long a page takes
    assert "were counted" not in desk.read("/owner/subscribers")
    person("bob@example.com")
    figures.clock = lambda: first + 20
    page = desk.read("/owner/subscribers")
    assert "all 1 " in page and "counted 20 s ago" in page
    assert "bob@example.com" in page, "the list itself is never kept"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite tells its plans in other words
@pytest.mark.usefixtures("large")
def test_no_page_reads_a_whole_table(desk: Desk, database: Database, database_url: str, runtime: Runtime) -> None:
    now, many = runtime.clock.now(), 2_000
    years.fill(database, database_url.replace("+psycopg", ""), many, now - timedelta(minutes=1))
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        asked.append((statement, values))

    read = []
    for page, path in pages(database, many).items():
        if page in (*SEARCHES, "/metrics"):
            continue
        desk.get(path)
        event.listen(database.engine, "before_cursor_execute", note)
        desk.get(path)
        event.remove(database.engine, "before_cursor_execute", note)
        read += [(page, whole) for whole in _read_whole(database, asked)]
        asked.clear()
    assert read == []


def _read_whole(database: Database, asked: list[tuple[str, object]]) -> list[str]:
    """Of these statements, those for which PostgreSQL has nothing better than reading a large table."""
    found = []
    with database.engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        for statement, values in asked:
            if statement.startswith("SELECT"):
                plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values)  # type: ignore[arg-type]
                lines = "\n".join(plan.scalars())
                found += [f"{seen[0]}: {statement[:200]}" for seen in READ_WHOLE.finditer(lines)]
    return found
