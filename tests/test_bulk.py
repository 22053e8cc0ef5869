"""Many rows in one statement: stored and found as if each had been given by itself."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from newsletter.bulk import insert_into, insert_rows, is_given, keeping_plans
from newsletter.db import Database
from newsletter.imports.imported_person import ImportedPerson
from newsletter.imports.record import ImportState, begin
from newsletter.imports.report import Fate
from newsletter.subscribers import Status, Subscriber, SubscriberTag, read_address, register

NOON = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
PARAMETERS = 65_535
"""That one statement may have on PostgreSQL."""


def _row(email: str, **values: Any) -> dict[str, Any]:
    row = {"email": email, "email_key": email.lower(), "first_name": "", "status": Status.CONFIRMED, "zone": None}
    return row | {"newsletter": True, "created_at": NOON, "left_at": None} | values


@pytest.mark.parametrize("name", ["", "Zoë", "O'Hara", 'Ann "A" \\ {1,2}', "%s :name $1 ?", "null", "𝔸nn", "\u2028"])
def test_a_row_is_stored_as_it_would_be_by_itself(name: str, database: Database) -> None:
    at = NOON.astimezone(timezone(timedelta(hours=-7))) + timedelta(microseconds=12)
    with database.transaction() as session:
        rows = [_row("Many@example.com", first_name=name, left_at=at), _row("b@example.com", newsletter=False)]
        insert_rows(session, insert_into(session, Subscriber), rows)
        session.add(Subscriber(**_row("One@example.com", first_name=name, left_at=at)))
    columns = [one for one in Subscriber.__table__.columns if one.name not in ("id", "email", "email_key")]
    with database.reading() as session:
        many, other, one = session.execute(select(*columns).order_by(Subscriber.id)).all()
        assert many == one
        assert (other.newsletter, other.zone, other.left_at) == (False, None, None)
        # Compared by the database too: SQLite keeps a time as text.
        assert session.scalar(select(func.count()).where(Subscriber.created_at == NOON)) == 3


def test_json_is_kept_and_nothing_is_null(database: Database) -> None:
    before = {"tags": [1, 2], "left": "2024-01-01"}
    with database.transaction() as session:
        it = begin(session, "list.csv", NOON, ImportState.RUNNING)
        ids = [register(session, read_address(f"p{n}@example.com"), NOON).id for n in range(2)]
        rows = [{"import_id": it.id, "subscriber_id": id, "fate": Fate.ADDED, "made": True, "ending": False,
                 "before": one} for id, one in zip(ids, (before, None), strict=True)]  # fmt: skip
        insert_rows(session, insert_into(session, ImportedPerson), rows)
    with database.reading() as session:
        assert session.scalars(select(ImportedPerson.before).order_by(ImportedPerson.subscriber_id)).all() == [
            before, None
        ]  # fmt: skip
        assert session.scalar(select(func.count()).where(ImportedPerson.before.is_(None))) == 1


def test_who_is_there_already_is_left_out(database: Database) -> None:
    with database.transaction() as session:
        register(session, read_address("b@example.com"), NOON, "Ben")
        put = insert_into(session, Subscriber).on_conflict_do_nothing().returning(Subscriber.email_key)
        made = insert_rows(session, put, [_row(f"{name}@example.com") for name in "abc"])
        assert sorted(key for (key,) in made) == ["a@example.com", "c@example.com"]
        assert session.scalar(select(Subscriber.first_name).where(Subscriber.email == "b@example.com")) == "Ben"


@pytest.mark.parametrize("many", [1, 3])
def test_what_all_rows_share_is_theirs_too(many: int, database: Database) -> None:
    rows = [_row(f"p{n}@example.com", first_name="Ann", zone="Europe/Paris") for n in range(many)]
    with database.transaction() as session:
        insert_rows(session, insert_into(session, Subscriber), rows)
    with database.reading() as session:
        found = session.execute(select(Subscriber.first_name, Subscriber.zone, Subscriber.left_at, Subscriber.status))
        assert found.all() == [("Ann", "Europe/Paris", None, Status.CONFIRMED)] * many


def test_no_rows_are_no_statement(database: Database) -> None:
    with database.transaction() as session:
        assert insert_rows(session, insert_into(session, Subscriber), []) == []


def test_a_naive_time_is_refused(database: Database) -> None:
    naive = datetime(2026, 6, 1, 11, 0)  # noqa: DTZ001
    rows = [_row(f"p{n}@example.com", created_at=naive + timedelta(days=n)) for n in range(2)]
    for some in (rows[:1], rows):  # shared by all, and of their own
        with pytest.raises((ValueError, StatementError), match="naive"), database.transaction() as session:
            insert_rows(session, insert_into(session, Subscriber), some)


def test_more_values_than_a_statement_may_have_parameters(database: Database) -> None:
    with database.transaction() as session:
        id = register(session, read_address("jane@example.com"), NOON).id
        given = range(id, id + PARAMETERS + 10)
        assert session.scalars(select(Subscriber.id).where(is_given(session, Subscriber.id, given))).all() == [id]
        assert session.scalars(select(Subscriber.id).where(is_given(session, Subscriber.id, []))).all() == []


_PLANNING = text("SELECT current_setting('plan_cache_mode'), current_setting('enable_seqscan')")


def test_plans_are_kept_for_so_long_and_none_of_them_reads_a_whole_table(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite keeps its plans with the statement")
    with database.transaction() as session:
        with keeping_plans(session):
            assert session.execute(_PLANNING).one() == ("force_generic_plan", "off")
        assert session.execute(_PLANNING).one() == ("force_custom_plan", "on")


def test_an_error_ends_it_too_and_is_the_one_that_is_told(database: Database) -> None:
    orphan = {"subscriber_id": 1, "tag_id": 1}
    with pytest.raises(IntegrityError), database.transaction() as session, keeping_plans(session):
        insert_rows(session, insert_into(session, SubscriberTag), [orphan])
    if not database.is_sqlite:
        with database.transaction() as session:
            assert session.execute(_PLANNING).one() == ("force_custom_plan", "on")
