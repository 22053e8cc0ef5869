"""Outcomes become states of rows."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.db import Database
from newsletter.mail.ledger import Attempt, Lane, Message, Outcome, State
from newsletter.mail.ledger.lost import recover_rows
from newsletter.mail.ledger.record import record
from newsletter.mail.ledger.row_claims import LEASE, claim_rows, mark_sending, was_uncertain
from tests.conftest import NOON

Queued = Callable[..., int]
Row = Callable[[int], Message]
LATER = NOON + timedelta(seconds=1)


@pytest.fixture
def sending(queued: Queued, database: Database) -> int:
    """A message on the wire of the worker "a"."""
    id = queued()
    with database.transaction() as session:
        claim_rows(session, Lane.TRANSACTIONAL, "a", NOON, 10)
        assert mark_sending(session, "a", [id], NOON) == {id}
    return id


def _record(database: Database, token: str, *outcomes: Outcome) -> None:
    with database.transaction() as session:
        record(session, token, outcomes, LATER)


def _tries(database: Database) -> list[tuple[State, int, str]]:
    with database.reading() as session:
        return [(one.state, one.code, one.reply) for one in session.scalars(select(Attempt).order_by(Attempt.id))]


def test_what_the_server_accepted_is_sent(sending: int, database: Database, row: Row) -> None:
    _record(database, "a", Outcome(sending, State.SENT, 250, "2.0.0 queued as 7", "mx.example:25"))
    seen = row(sending)
    assert (seen.state, seen.settled_at, seen.attempts, seen.lease_until) == (State.SENT, LATER, 1, None)
    assert (seen.reply_code, seen.reply, seen.relay) == (250, "2.0.0 queued as 7", "mx.example:25")
    assert _tries(database) == []


def test_what_is_deferred_is_due_again_and_keeps_the_servers_words(sending: int, database: Database, row: Row) -> None:
    due = NOON + timedelta(minutes=5)
    _record(database, "a", Outcome(sending, State.DEFERRED, 451, "4.7.1 greylisted", "mx.example:25", due))
    assert (row(sending).state, row(sending).due_at, row(sending).settled_at) == (State.DEFERRED, due, None)
    assert _tries(database) == [(State.DEFERRED, 451, "4.7.1 greylisted")]


def test_the_relays_own_trouble_is_no_attempt(sending: int, database: Database, row: Row) -> None:
    _record(database, "a", Outcome(sending, State.READY, 535, "5.7.8 no", "mx.example:25", LATER, is_attempt=False))
    assert (row(sending).state, row(sending).attempts) == (State.READY, 0)
    assert _tries(database) == []


def test_a_stale_token_records_nothing(sending: int, database: Database, row: Row) -> None:
    before = row(sending)
    _record(database, "stale", Outcome(sending, State.FAILED, 550, "5.1.1 no such user", "mx.example:25"))
    after = row(sending)
    assert (after.state, after.attempts, after.reply) == (before.state, before.attempts, before.reply)
    assert _tries(database) == []


def test_what_is_settled_is_not_settled_again(sending: int, database: Database, row: Row) -> None:
    _record(database, "a", Outcome(sending, State.SENT, 250, "2.0.0 ok", "mx.example:25"))
    _record(database, "a", Outcome(sending, State.FAILED, 550, "5.1.1 no such user", "mx.example:25"))
    assert (row(sending).state, row(sending).attempts) == (State.SENT, 1)
    assert _tries(database) == []


def test_an_answer_that_comes_after_the_lease_is_still_the_truth(sending: int, database: Database, row: Row) -> None:
    with database.transaction() as session:
        recover_rows(session, NOON + LEASE + timedelta(seconds=1))
    _record(database, "a", Outcome(sending, State.SENT, 250, "2.0.0 ok", "mx.example:25"))
    assert row(sending).state is State.SENT


def test_a_try_that_nobody_knows_the_end_of_is_remembered(sending: int, database: Database) -> None:
    due = NOON + timedelta(minutes=15)
    _record(database, "a", Outcome(sending, State.DEFERRED, 0, "lost", "mx.example:25", due, uncertain=True))
    with database.reading() as session:
        assert was_uncertain(session, sending)


def test_nothing_to_record_is_nothing_done(sending: int, database: Database, row: Row) -> None:
    _record(database, "a")
    assert row(sending).state is State.SENDING
