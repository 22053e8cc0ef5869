"""What a batch asks of the database: so many statements, however many rows it has."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, func, select

from newsletter import topics
from newsletter.db import Database
from newsletter.imports import Report
from newsletter.imports.run import BATCH, Order
from newsletter.subscribers import Field, FieldKind, FieldValue, Subscriber, SubscriberTag
from tests.conftest import NOON
from tests.imports.conftest import BASIS

Bring = Callable[..., Report]
MOST = 40
"""Of an import of one batch in which everything happens, with its report and its lease."""
HEADER = "email,first_name,status,created_at,tags,town,topics\n"
STATUSES = ("active", "active", "pending", "blocked", "complained")


@contextmanager
def counting(database: Database) -> Iterator[list[str]]:
    """The statements that the database is asked, each as often as it is: one with many rows of its own, row by row."""
    seen: list[str] = []

    def asked(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        seen.extend([statement] * (len(parameters) if many else 1))

    event.listen(database.engine, "before_cursor_execute", asked)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", asked)


@pytest.fixture(autouse=True)
def town(database: Database) -> None:
    with database.transaction() as session:
        session.add(Field(key="town", label="Town", kind=FieldKind.TEXT, choices=[], created_at=NOON))
        topics.add(session, "Rehab", NOON)


def people(many: int, named: str) -> str:
    """So many of every kind, with all that a row may bring."""
    return HEADER + "".join(
        f"{named}{n}@example.com,Ann,{STATUSES[n % 5]},2024-01-02,golf;news,Town {n % 7},Rehab\n" for n in range(many)
    )


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_full_batch_takes_no_more_statements_than_a_small_one(bring: Bring, database: Database, dry_run: bool
                                                                ) -> None:  # fmt: skip
    order = Order(basis=BASIS, tags=("desk",))
    bring(people(10, "x"), order=order)  # the tags are there
    with counting(database) as few:
        bring(people(10, "few"), dry_run=dry_run, order=order)
    with counting(database) as many:
        bring(people(BATCH, "many"), dry_run=dry_run, order=order)
    assert len(many) == len(few) <= MOST
    with database.reading() as session:
        rows = 10 + (0 if dry_run else 10 + BATCH)
        assert session.scalar(select(func.count(Subscriber.id))) == rows
        assert session.scalar(select(func.count()).select_from(FieldValue)) == rows
        assert (session.scalar(select(func.count()).select_from(SubscriberTag)) or 0) > rows


def test_people_who_are_known_take_no_more(bring: Bring, database: Database) -> None:
    readers = "email,tags\n" + "".join(f"p{n}@example.com,golf\n" for n in range(BATCH))
    bring(readers)
    order = Order(basis=BASIS, tags=("desk",))
    bring("email\nx@example.com\n", order=order)  # the tag is there
    with counting(database) as few:
        bring("\n".join(readers.split("\n")[:10]), order=order)
    with counting(database) as many:
        bring(readers, order=order)
    assert len(many) == len(few)
