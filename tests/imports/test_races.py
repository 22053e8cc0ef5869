"""Somebody signs up while a list that names them is imported: what they did themselves stands."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select

from newsletter.db import Database
from newsletter.imports import Fate, Report
from newsletter.imports.imported_person import ImportedPerson
from newsletter.subscribers import Consent, Status, Subscriber, read_address, register, tags_of
from tests.conftest import NOON


def test_who_signs_up_between_the_look_and_the_writing_is_left_as_they_are(
    bring: Callable[..., Report], database: Database
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite lets one transaction write at a time")
    signed_up: list[int] = []

    def meanwhile(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO subscribers") and not signed_up:
            signed_up.append(0)
            with database.transaction() as session:
                signed_up[0] = register(session, read_address("jane@example.com"), NOON, "Jane").id

    event.listen(database.engine, "before_cursor_execute", meanwhile)
    try:
        report = bring("email,first_name,tags\nann@example.com,Ann,golf\njane@example.com,Janet,golf\n")
    finally:
        event.remove(database.engine, "before_cursor_execute", meanwhile)
    assert report.fates == {Fate.ADDED: 1, Fate.KNOWN: 1}
    with database.reading() as session:
        jane = session.get_one(Subscriber, signed_up[0])
        assert (jane.first_name, jane.status, tags_of(session, jane.id)) == ("Jane", Status.PENDING, [])
        assert jane.id not in session.scalars(select(Consent.subscriber_id)).all()
        assert jane.id not in session.scalars(select(ImportedPerson.subscriber_id)).all()
