"""Importing subscribers: whom it adds, whom it leaves alone, what it refuses."""

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from newsletter.db import Database
from newsletter.imports import BadFile, Report, import_csv
from newsletter.subscribers import (
    Consent,
    Status,
    Subscriber,
    Suppression,
    SuppressionReason,
    address_hash,
    clean_name,
)
from tests.conftest import NOON

SECRET = b"k" * 40


def _import(database: Database, text: str) -> Report:
    return import_csv(database, io.StringIO(text, newline=""), "Asked for it at the desk", SECRET, NOON)


def _people(database: Database) -> list[tuple[str, str, Status, bool]]:
    with database.reading() as session:
        every = session.scalars(select(Subscriber).order_by(Subscriber.id))
        return [(one.email, one.first_name, one.status, one.newsletter) for one in every]


def test_imported_people_are_confirmed_with_their_consent(database: Database) -> None:
    report = _import(database, "email,first_name\r\nalice@example.com,Alice\r\nbob@example.com,\r\n")
    assert (report.read, report.added) == (2, 2)
    assert _people(database) == [
        ("alice@example.com", "Alice", Status.CONFIRMED, True),
        ("bob@example.com", "", Status.CONFIRMED, True),
    ]
    with database.reading() as session:
        consents = session.scalars(select(Consent)).all()
    assert {(one.wording, one.form, one.newsletter, one.confirmed_at) for one in consents} == {
        ("Asked for it at the desk", "import", True, NOON)
    }
    assert len(consents) == 2


def test_columns_may_stand_in_any_order_and_case_and_a_mark_may_come_first(database: Database) -> None:
    assert _import(database, "\ufeffFirst_Name, EMAIL ,phone\nAlice,alice@example.com,1\n").added == 1
    assert _people(database)[0][1] == "Alice"


@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED, Status.PENDING])
def test_who_is_known_stays_as_they_are(status: Status, database: Database, person: Callable[..., int]) -> None:
    id = person("jane@example.com", "Jane")
    with database.transaction() as session:
        jane = session.get_one(Subscriber, id)
        jane.status, jane.newsletter = status, False
    report = _import(database, "email,first_name\nJANE@example.com,Janet\n")
    assert (report.added, report.known) == (0, 1)
    assert _people(database) == [("jane@example.com", "Jane", status, False)]
    with database.reading() as session:
        assert session.scalar(select(func.count(Consent.id))) == 0


@pytest.mark.parametrize("reason", SuppressionReason)
def test_a_suppressed_address_does_not_come_back(reason: SuppressionReason, database: Database) -> None:
    with database.transaction() as session:
        hashed = address_hash(SECRET, "jane@example.com")
        session.add(Suppression(address_hash=hashed, reason=reason, created_at=NOON))
    report = _import(database, "email\nJane@example.com\nalice@example.com\n")
    assert (report.suppressed, report.added) == (1, 1)
    assert [email for email, *_ in _people(database)] == ["alice@example.com"]


def test_an_address_twice_is_one_person(database: Database) -> None:
    report = _import(database, "email\njane@example.com\nJane@Example.com\n")
    assert (report.read, report.added, report.known) == (2, 1, 1)


def test_the_same_file_again_adds_nobody(database: Database) -> None:
    text = "email\n" + "".join(f"p{n}@example.com\n" for n in range(1500))
    assert _import(database, text).added == 1500
    again = _import(database, text)
    assert (again.added, again.known) == (0, 1500)


def test_a_bad_row_is_told_with_its_line_and_the_others_go_in(database: Database) -> None:
    report = _import(database, "email\njane@example.com\nnobody\n\nalice@example.com\n,\n")
    assert (report.added, report.refused) == (2, 2)
    assert [line for line, _ in report.bad] == [3, 6]
    assert "e-mail address" in report.bad[0][1]


def test_only_the_first_bad_rows_are_told(database: Database) -> None:
    report = _import(database, "email\n" + "nobody\n" * 100)
    assert (report.refused, len(report.bad)) == (100, 20)


@pytest.mark.parametrize("text", ["", "\n", "name,address\nJane,jane@example.com\n", "jane@example.com\n"])
def test_a_file_without_the_column_is_refused(text: str, database: Database) -> None:
    with pytest.raises(BadFile, match="email"):
        _import(database, text)


def test_a_cell_without_an_end_is_refused_and_what_came_before_it_is_in(database: Database) -> None:
    with pytest.raises(BadFile, match="Line 3 "):
        _import(database, 'email\njane@example.com\n"' + "x" * 200_000 + "\nbob@example.com\n")
    assert [email for email, *_ in _people(database)] == ["jane@example.com"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=5))
def test_any_name_goes_through_a_file(names: list[str], database: Database) -> None:
    with database.transaction() as session:
        for table in (Consent, Subscriber):
            session.execute(table.__table__.delete())
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([["email", "first_name"], *([f"p{n}@example.com", name] for n, name in enumerate(names))])
    assert _import(database, out.getvalue()).added == len(names)
    assert [name for _, name, *_ in _people(database)] == [clean_name(name) for name in names]
