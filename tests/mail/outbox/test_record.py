"""Outcomes become states of rows."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.db import Database
from newsletter.mail import outbox
from newsletter.mail.outbox import Attempt, Lane, Message, State, Verdict
from newsletter.mail.outbox.claims import LEASE
from tests.conftest import NOON

Queued = Callable[..., int]
Row = Callable[[int], Message]
LATER = NOON + timedelta(seconds=1)


@pytest.fixture
def begun(queued: Queued, database: Database) -> int:
    """A message on the wire of the worker "a"."""
    id = queued()
    with database.transaction() as session:
        outbox.claim(session, Lane.TRANSACTIONAL, "a", NOON, 10)
        assert outbox.begin(session, "a", [id], NOON) == {id}
    return id


def _record(database: Database, token: str, *verdicts: Verdict) -> None:
    with database.transaction() as session:
        outbox.record(session, token, verdicts, LATER)


def _tries(database: Database) -> list[tuple[State, int, str]]:
    with database.reading() as session:
        return [(one.state, one.code, one.reply) for one in session.scalars(select(Attempt).order_by(Attempt.id))]


def test_what_the_server_accepted_is_sent(begun: int, database: Database, row: Row) -> None:
    _record(database, "a", Verdict(begun, State.SENT, 250, "2.0.0 queued as 7", "mx.example:25"))
    seen = row(begun)
    assert (seen.state, seen.settled_at, seen.attempts, seen.lease_until) == (State.SENT, LATER, 1, None)
    assert (seen.reply_code, seen.reply, seen.relay) == (250, "2.0.0 queued as 7", "mx.example:25")
    assert _tries(database) == []


def test_what_is_deferred_is_due_again_and_keeps_the_servers_words(begun: int, database: Database, row: Row) -> None:
    due = NOON + timedelta(minutes=5)
    _record(database, "a", Verdict(begun, State.DEFERRED, 451, "4.7.1 greylisted", "mx.example:25", due))
    assert (row(begun).state, row(begun).due_at, row(begun).settled_at) == (State.DEFERRED, due, None)
    assert _tries(database) == [(State.DEFERRED, 451, "4.7.1 greylisted")]


def test_the_relays_own_trouble_is_no_attempt(begun: int, database: Database, row: Row) -> None:
    _record(database, "a", Verdict(begun, State.READY, 535, "5.7.8 no", "mx.example:25", LATER, counts=False))
    assert (row(begun).state, row(begun).attempts) == (State.READY, 0)
    assert _tries(database) == []


def test_a_stale_token_records_nothing(begun: int, database: Database, row: Row) -> None:
    before = row(begun)
    _record(database, "stale", Verdict(begun, State.FAILED, 550, "5.1.1 no such user", "mx.example:25"))
    after = row(begun)
    assert (after.state, after.attempts, after.reply) == (before.state, before.attempts, before.reply)
    assert _tries(database) == []


def test_what_is_settled_is_not_settled_again(begun: int, database: Database, row: Row) -> None:
    _record(database, "a", Verdict(begun, State.SENT, 250, "2.0.0 ok", "mx.example:25"))
    _record(database, "a", Verdict(begun, State.FAILED, 550, "5.1.1 no such user", "mx.example:25"))
    assert (row(begun).state, row(begun).attempts) == (State.SENT, 1)
    assert _tries(database) == []


def test_an_answer_that_comes_after_the_lease_is_still_the_truth(begun: int, database: Database, row: Row) -> None:
    with database.transaction() as session:
        outbox.recover(session, NOON + LEASE + timedelta(seconds=1))
    _record(database, "a", Verdict(begun, State.SENT, 250, "2.0.0 ok", "mx.example:25"))
    assert row(begun).state is State.SENT


def test_a_try_that_nobody_knows_the_end_of_is_remembered(begun: int, database: Database) -> None:
    due = NOON + timedelta(minutes=15)
    _record(database, "a", Verdict(begun, State.DEFERRED, 0, "lost", "mx.example:25", due, uncertain=True))
    with database.reading() as session:
        assert outbox.was_uncertain(session, begun)


def test_nothing_to_record_is_nothing_done(begun: int, database: Database, row: Row) -> None:
    _record(database, "a")
    assert row(begun).state is State.HANDED_OVER
