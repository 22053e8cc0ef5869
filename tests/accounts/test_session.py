"""Sessions: how long they last, what is kept of them, and what they cost."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from newsletter import accounts
from newsletter.accounts import Owner, OwnerSession
from newsletter.accounts.session import IDLE, LONGEST, PROVEN_FOR
from newsletter.db import Database
from tests.conftest import NOON

MINUTE = timedelta(minutes=1)


@pytest.fixture
def paul(database: Database) -> Owner:
    with database.transaction() as session:
        return accounts.create(session, "paul@human-movement.com", "correct horse battery", NOON)


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """What is asked of the database from here on."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield asked
    event.remove(database.engine, "before_cursor_execute", note)


def _start(database: Database, owner: Owner) -> tuple[int, str]:
    with database.transaction() as session:
        started, token = OwnerSession.start(session, session.get_one(Owner, owner.id), NOON, "Firefox", "192.0.2.7")
        return started.id, token


def test_the_token_is_random_and_only_its_hash_is_kept(database: Database, paul: Owner) -> None:
    (first, token), (_, other) = _start(database, paul), _start(database, paul)
    assert token != other and len(token) >= 43
    with database.reading() as session:
        row = session.get_one(OwnerSession, first)
        assert token not in {str(getattr(row, column.key)) for column in OwnerSession.__mapper__.column_attrs}
        assert OwnerSession.of(session, row.token_hash, NOON) is None


@pytest.mark.parametrize(
    ("uses", "at", "lives"),
    [
        ([], IDLE, True),
        ([], IDLE + MINUTE, False),
        ([IDLE], 2 * IDLE, True),
        ([IDLE * n for n in range(1, 28)], LONGEST, True),
        ([IDLE * n for n in range(1, 28)], LONGEST + MINUTE, False),
    ],
)
def test_a_session_ends_when_it_is_left_alone_and_after_its_time(
    database: Database, paul: Owner, uses: list[timedelta], at: timedelta, lives: bool
) -> None:
    id, token = _start(database, paul)
    with database.transaction() as session:
        for use in uses:
            accounts.session.see(session, id, NOON + use)
    with database.transaction() as session:
        assert (OwnerSession.of(session, token, NOON + at) is not None) is lives
        assert len(OwnerSession.every(session, paul.id, NOON + at)) == lives
        accounts.sweep(session, NOON + at)
        assert len(session.scalars(select(OwnerSession)).all()) == lives


def test_a_page_costs_one_statement_and_a_minute_one_write(
    database: Database, paul: Owner, statements: list[str]
) -> None:
    id, token = _start(database, paul)
    statements.clear()
    with database.reading() as session:
        found = OwnerSession.of(session, token, NOON)
        assert found is not None and found.owner.email == "paul@human-movement.com"
    assert len(statements) == 1
    for second in range(0, 121, 20):
        with database.transaction() as session:
            accounts.session.see(session, id, NOON + timedelta(seconds=second))
            seen = session.get_one(OwnerSession, id).last_seen_at
        assert seen == NOON + timedelta(seconds=second // 60 * 60)


def test_a_password_is_good_for_ten_minutes(database: Database, paul: Owner) -> None:
    id, token = _start(database, paul)
    late = NOON + PROVEN_FOR + MINUTE
    with database.transaction() as session:
        found = OwnerSession.of(session, token, NOON)
        assert found is not None
        assert found.is_proven(NOON + PROVEN_FOR) and not found.is_proven(late)
        accounts.session.prove(session, id, late)
        session.refresh(found)
        assert found.is_proven(late)


def test_sessions_are_ended_one_by_one_and_all_but_one(database: Database, paul: Owner) -> None:
    ids = [_start(database, paul)[0] for _ in range(4)]
    with database.transaction() as session:
        other = accounts.create(session, "anna@example.org", "correct horse battery", NOON)
        assert not accounts.session.end(session, other.id, ids[0])
        assert accounts.session.end(session, paul.id, ids[0])
        assert not accounts.session.end(session, paul.id, ids[0])
        assert accounts.session.end_all(session, paul.id, but=ids[3]) == 2
        assert [one.id for one in OwnerSession.every(session, paul.id, NOON)] == [ids[3]]


def test_a_session_of_somebody_who_was_removed_meanwhile_opens_nothing(database: Database, paul: Owner) -> None:
    _, token = _start(database, paul)
    with database.transaction() as session:
        session.get_one(Owner, paul.id).removed_at = NOON
    with database.reading() as session:
        assert OwnerSession.of(session, token, NOON) is None
