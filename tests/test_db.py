"""The floor: times are aware UTC, a transaction is whole or nothing, and the migrations make what the models say."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from newsletter import schema
from newsletter.campaigns import Campaign
from newsletter.db import CUT_OFF, Database
from newsletter.mail.ledger.row_claims import LEASE
from newsletter.subscribers import Consent, Status, Subscriber, read_address, register
from newsletter.wordings import wording_id

NOON = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
JANE = read_address("jane@example.com")
SET_TO_NOTHING = [
    ("brand", "article_form_id"), ("campaigns", "drafted_by_id"), ("consents", "form_id"), ("feed_posts", "article_id"),
    ("feed_posts", "campaign_id"), ("feeds", "segment_id"), ("feeds", "sending_by_id"),
]  # fmt: skip
NAMED_OTHERWISE = (
    ("dispatches", "idempotency_key"),
    ("messages", "subscriber_id", "idempotency_key"),
    ("throttle_rules", "scope", "name", "seconds"),
)


def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    there = timezone(timedelta(hours=-7))
    with database.transaction() as session:
        id = _stored(session, NOON.astimezone(there))
    with database.reading() as session:
        assert session.get_one(Subscriber, id).created_at.isoformat() == "2026-06-01T11:00:00+00:00"


def _stored(session: Session, at: datetime) -> int:
    subscriber = register(session, JANE, at)
    session.flush()
    return subscriber.id


def test_a_naive_time_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="naive"), database.transaction() as session:
        register(session, JANE, datetime(2026, 6, 1, 11, 0))  # noqa: DTZ001


def test_times_are_compared_as_moments(database: Database) -> None:
    with database.transaction() as session:
        _stored(session, NOON)
        here = (NOON + timedelta(minutes=1)).astimezone(timezone(timedelta(hours=9)))
        assert session.scalar(select(func.count()).where(Subscriber.created_at < here)) == 1


def test_a_word_of_an_enum_is_stored_as_its_value(database: Database) -> None:
    with database.transaction() as session:
        _stored(session, NOON)
        assert session.scalar(text("SELECT status FROM subscribers")) == Status.PENDING.value == "pending"


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    with suppress(KeyError), database.transaction() as session:
        _stored(session, NOON)
        raise KeyError
    with database.reading() as session:
        assert session.scalar(select(func.count(Subscriber.id))) == 0


def test_what_is_changed_while_reading_is_not_kept(database: Database) -> None:
    with database.reading() as session:
        _stored(session, NOON)
    with database.reading() as session:
        assert session.scalar(select(func.count(Subscriber.id))) == 0


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.transaction() as writer:
        _stored(writer, NOON)
        with database.reading() as reader:
            assert reader.scalar(select(func.count(Subscriber.id))) == 0


@pytest.mark.parametrize("column", ["subscriber_id", "wording_id"])
def test_foreign_keys_are_enforced(column: str, database: Database) -> None:
    with database.transaction() as session:
        jane = register(session, read_address("jane@example.com"), NOON)
        session.flush()
        consent = Consent(subscriber_id=jane.id, wording_id=wording_id(session, "Yes."), given_at=NOON)
    setattr(consent, column, 404)
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.add(consent)


def test_sqlite_keeps_a_commit_through_a_power_cut(database: Database) -> None:
    with database.reading() as session:
        if not database.is_sqlite:
            assert session.scalar(text("SHOW fsync")) in ("on", "off")  # the server's affair
            return
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA synchronous")) == 2


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = [
            (kind, thing.table.name, *(column.name for column in thing.columns))
            for kind, thing in compare_metadata(context, schema.metadata)
        ]
    # SQLite keeps three checks that the models do not have (migration 0003), and the old names of three (0021).
    kept = [("remove_fk", "messages", column) for column in ("dispatch_id", "revision_id", "subscriber_id")]
    # And SQLAlchemy does not read what a column's own reference does at a deletion (it sets it to nothing).
    kept += [(kind, *column) for kind in ("add_fk", "remove_fk") for column in SET_TO_NOTHING]
    for kind in ("add_constraint", "remove_constraint"):
        kept += [(kind, *unique) for unique in NAMED_OTHERWISE]
    assert sorted(found) == (sorted(kept) if database.is_sqlite else [])


def test_a_connection_to_postgresql_that_is_cut_is_given_up_in_time_and_the_url_has_the_last_word() -> None:
    url = Database("postgresql+psycopg://u:secret@db.example.org/news?connect_timeout=3").engine.url
    assert (url.query["connect_timeout"], url.query["keepalives_idle"]) == ("3", "15")
    assert url.password == "secret"
    assert timedelta(seconds=CUT_OFF) < LEASE


def test_postgresql_gives_up_a_client_that_is_cut_off_in_time(database: Database) -> None:
    if database.is_sqlite:
        return
    with database.reading() as session:
        source = session.scalar(text("SELECT source FROM pg_settings WHERE name = 'tcp_user_timeout'"))
        rest = session.scalar(text("SHOW idle_in_transaction_session_timeout"))
    assert (source, rest) == ("session", "1min")


def test_the_locks_of_a_process_that_is_frozen_in_a_transaction_are_freed(database: Database) -> None:
    if database.is_sqlite:
        return
    with database.transaction() as session:
        _stored(session, NOON)
    with suppress(DBAPIError), database.transaction() as frozen:
        frozen.execute(text("SET idle_in_transaction_session_timeout = '100ms'"))
        frozen.execute(text("UPDATE subscribers SET first_name = 'frozen'"))
        with database.transaction() as session:  # waits for that row, and then gets it
            session.execute(text("UPDATE subscribers SET first_name = 'Jane'"))
        frozen.execute(text("SELECT 1"))
        pytest.fail("the frozen transaction lives")
    with database.reading() as session:
        assert session.scalars(select(Subscriber.first_name)).one() == "Jane"


def test_a_record_takes_no_name_that_it_does_not_have() -> None:
    with pytest.raises(TypeError, match="Campaign has no articel, zonne"):
        Campaign(articel=1, zonne="Europe/London", created_at=NOON)
    assert Campaign(article_id=1, created_at=NOON).zone == "Europe/London"


def test_type_checkers_know_what_a_record_takes() -> None:
    """PEP 681; `make check` then refuses what the test above refuses."""
    assert getattr(Campaign, "__dataclass_transform__")["kw_only_default"] is True  # noqa: B009 - mypy knows no such name
