"""Batches: a campaign's messages a thousand at a time, under one lease."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import false, select

from newsletter import articles
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Attempt, Dispatch, Message, Outcome, State, batch_claims
from newsletter.mail.ledger.again import send_again
from newsletter.mail.ledger.batch_claims import recover_batches
from newsletter.mail.ledger.batch_outcomes import record_batch
from newsletter.mail.ledger.claim import BatchClaim
from newsletter.mail.ledger.counts import count_by_state, recount
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.mail.ledger.lost import recover_rows
from newsletter.mail.ledger.queue import fill
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.ledger.row_claims import claim_rows, mark_sending
from newsletter.subscribers import Segment, Subscriber
from tests.conftest import NOON

People = Callable[..., int]
LATER = NOON + timedelta(minutes=2)


@pytest.fixture
def filled(database: Database, person: People) -> int:
    """A dispatch to six people, written."""
    last = [person(f"p{n}@example.com", f"P{n}") for n in range(6)][-1]
    with database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn both ways.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=last)
        session.add(made)
        session.flush()
        fill(session, made, Segment().condition(), NOON, 100)
        return made.id


def _claim(database: Database, token: str = "a") -> BatchClaim | None:
    with database.transaction() as session:
        claim = ledger.claim(session, ledger.Lane.BULK, token, NOON, 10)
    assert claim is None or isinstance(claim, BatchClaim)
    return claim


def _claimed(database: Database, token: str = "a") -> BatchClaim:
    claim = _claim(database, token)
    assert claim is not None
    return claim


def _states(database: Database) -> list[State]:
    with database.reading() as session:
        return list(session.scalars(select(Message.state).order_by(Message.id)))


def _sent(ids: list[int]) -> list[Outcome]:
    return [Outcome(id, State.SENT, 250, f"2.0.0 kept as {id}", "mx.example:25") for id in ids]


def test_two_workers_never_hold_the_same_batch(filled: int, database: Database) -> None:
    first = _claimed(database)
    assert [message.fields["first_name"] for message in first.messages] == [f"P{n}" for n in range(6)]
    assert _claim(database, "b") is None


def test_who_left_before_the_claim_is_cancelled_and_not_among_the_messages(filled: int, database: Database) -> None:
    with database.transaction() as session:
        session.scalars(select(Subscriber).where(Subscriber.email == "p2@example.com")).one().unsubscribe(NOON)
    assert len(_claimed(database).messages) == 5
    assert _states(database)[2] is State.CANCELLED


def test_who_leaves_after_the_claim_does_not_begin(filled: int, database: Database) -> None:
    claim = _claimed(database)
    ids = [message.id for message in claim.messages]
    with database.transaction() as session:
        ledger.cancel(session, NOON, Reason.LEFT, Message.id == ids[1])
    with database.transaction() as session:
        assert claim.mark_sending(session, ids, NOON) == set(ids) - {ids[1]}


def test_a_claim_may_begin_the_first_of_its_messages(filled: int, database: Database) -> None:
    with database.transaction() as session:
        claim = ledger.claim(session, ledger.Lane.BULK, "a", NOON, 10, mark=2)
    assert claim is not None
    assert claim.sending == {message.id for message in claim.messages[:2]}
    with database.transaction() as session:
        assert recover_batches(session, LATER) == 2
    assert _states(database) == [State.UNCERTAIN] * 2 + [State.READY] * 4


def test_what_was_on_the_wire_when_it_was_called_off_is_told_as_it_ended(filled: int, database: Database) -> None:
    claim = _claimed(database)
    ids = [message.id for message in claim.messages]
    later = Outcome(ids[1], State.DEFERRED, 451, "4.7.1 slow down", "mx.example:25", due_at=LATER)
    with database.transaction() as session:
        claim.mark_sending(session, ids, NOON)
    with database.transaction() as session:
        ledger.cancel(session, NOON, Reason.LEFT, Message.id.in_(ids[:3]))
    with database.transaction() as session:
        claim.finish(session, [*_sent(ids[:1]), later], NOON, ids[2:], None)
    assert _states(database) == [State.SENT, State.CANCELLED, State.CANCELLED, State.READY, State.READY, State.READY]
    assert [message.id for message in _claimed(database, "b").messages] == ids[3:]


def test_a_batch_that_lost_a_row_meanwhile_is_counted(filled: int, database: Database) -> None:
    claim = _claimed(database)
    ids = [message.id for message in claim.messages]
    with database.transaction() as session:
        session.delete(session.scalars(select(Subscriber).where(Subscriber.email == "p2@example.com")).one())
    with database.transaction() as session:
        claim.finish(session, _sent(ids), NOON, (), None)
    with database.reading() as session:
        assert session.execute(select(Batch.state, Batch.counts)).one() == (BatchState.DONE, {"sent": 5})


def test_outcomes_are_written_with_the_servers_words_and_the_batch_is_done(filled: int, database: Database) -> None:
    claim = _claimed(database)
    ids = [message.id for message in claim.messages]
    with database.transaction() as session:
        claim.mark_sending(session, ids, NOON)
        claim.finish(session, _sent(ids), LATER, (), None)
    with database.reading() as session:
        row = session.get_one(Message, ids[3])
        assert (row.state, row.settled_at, row.attempts) == (State.SENT, LATER, 1)
        assert (row.reply_code, row.reply, row.relay) == (250, f"2.0.0 kept as {ids[3]}", "mx.example:25")
        assert session.scalars(select(Batch.state)).one() is BatchState.DONE


def test_a_deferred_one_waits_by_itself_with_its_attempt_on_record(filled: int, database: Database) -> None:
    claim = _claimed(database)
    ids = [message.id for message in claim.messages]
    later = Outcome(ids[0], State.DEFERRED, 451, "4.7.1 slow down", "mx.example:25", due_at=LATER)
    with database.transaction() as session:
        claim.mark_sending(session, ids, NOON)
        claim.finish(session, [later, *_sent(ids[1:])], NOON, (), None)
    assert _claim(database, "b") is None
    with database.transaction() as session:
        claimed = claim_rows(session, ledger.Lane.BULK, "c", LATER, 10)
        assert [message.id for message in claimed] == ids[:1]
        assert session.scalars(select(Attempt.reply)).all() == ["4.7.1 slow down"]


def test_a_stopped_worker_gives_the_rest_back(filled: int, database: Database) -> None:
    claim = _claimed(database)
    ids = [message.id for message in claim.messages]
    with database.transaction() as session:
        claim.mark_sending(session, ids[:2], NOON)
        claim.finish(session, _sent(ids[:2]), NOON, ids[2:], None)
    assert [message.id for message in _claimed(database, "b").messages] == ids[2:]


def test_when_the_lease_runs_out_what_was_begun_is_uncertain_and_the_rest_is_sent(
    filled: int, database: Database
) -> None:
    claim = _claimed(database)
    ids = [message.id for message in claim.messages]
    with database.transaction() as session:
        claim.mark_sending(session, ids[:3], NOON)
        claim.record(session, _sent(ids[:1]), NOON)
    with database.transaction() as session:
        assert recover_batches(session, NOON) == 0
        assert recover_batches(session, LATER) == 2
    assert _states(database) == [State.SENT, State.UNCERTAIN, State.UNCERTAIN, State.READY, State.READY, State.READY]
    assert [message.id for message in _claimed(database, "b").messages] == ids[3:]


def test_a_worker_slower_than_its_lease_begins_nothing_more_but_its_answers_count(
    filled: int, database: Database
) -> None:
    claim = _claimed(database)
    ids = [message.id for message in claim.messages]
    with database.transaction() as session:
        claim.mark_sending(session, ids[:2], NOON)
    with database.transaction() as session:
        recover_batches(session, LATER)
    _claimed(database, "b")
    with database.transaction() as session:
        assert claim.mark_sending(session, ids[2:], LATER) == set()
        claim.record(session, _sent(ids[:2]), LATER)
    assert _states(database)[:3] == [State.SENT, State.SENT, State.READY]


def test_with_no_relay_the_batch_waits_and_nobody_is_lost(filled: int, database: Database) -> None:
    claim = _claimed(database)
    with database.transaction() as session:
        claim.mark_sending(session, [message.id for message in claim.messages], NOON)
        claim.finish(session, [], NOON, (), NOON + timedelta(seconds=5))
    assert _claim(database, "b") is None
    with database.transaction() as session:
        again = ledger.claim(session, ledger.Lane.BULK, "c", LATER, 10)
    assert again is not None
    assert len(again.messages) == 6


def test_what_waits_by_itself_is_not_lost_with_its_batch(filled: int, database: Database) -> None:
    claim = _claimed(database)
    ids = [message.id for message in claim.messages]
    with database.transaction() as session:
        claim.mark_sending(session, ids[:1], NOON)
        claim.finish(session, [Outcome(ids[0], State.FAILED, 550, "5.7.1 no", "mx:25")], NOON, ids[1:], None)
    again = _claimed(database, "b")
    with database.transaction() as session:
        again.mark_sending(session, ids[1:3], NOON)
        send_again(session, session.get_one(Message, ids[0]), NOON)
    with database.transaction() as session:
        assert recover_batches(session, LATER) == 2
    assert _states(database) == [State.READY, State.UNCERTAIN, State.UNCERTAIN, *[State.READY] * 3]


def test_who_was_found_to_have_left_is_counted_also_where_the_claim_comes_to_nothing(
    filled: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        session.scalars(select(Subscriber).where(Subscriber.email == "p2@example.com")).one().unsubscribe(NOON)
        recount(session)
    # Its dispatch was held between the two statements.
    monkeypatch.setattr(batch_claims, "_CLAIM", batch_claims._CLAIM.where(false()))
    assert _claim(database) is None
    with database.transaction() as session:
        recount(session)
        counts = count_by_state(session, session.get_one(Dispatch, filled))
    assert (counts[State.READY], counts[State.CANCELLED]) == (5, 1)


def _row_of(database: Database, id: int) -> Message:
    with database.reading() as session:
        return session.get_one(Message, id)


@pytest.mark.parametrize("state", [State.UNCERTAIN, State.DEFERRED, State.FAILED])
def test_an_outcome_that_is_written_twice_is_one_try(state: State, filled: int, database: Database) -> None:
    claim = _claimed(database)
    outcome = Outcome(claim.messages[0].id, state, 0, "words", "mx:25", LATER if state is State.DEFERRED else None)
    for moment in (NOON, LATER):
        with database.transaction() as session:
            record_batch(session, claim.range, [outcome], moment)
    assert (_row_of(database, outcome.id).state, _row_of(database, outcome.id).attempts) == (state, 1)
    with database.reading() as session:
        assert session.scalars(select(Attempt.at)).all() == [NOON]


def test_a_refusal_is_not_written_onto_what_another_claim_has_begun(filled: int, database: Database) -> None:
    claim = _claimed(database)
    id = claim.messages[0].id
    refusal = Outcome(id, State.DEFERRED, 451, "4.2.0 later", "mx:25", LATER)
    with database.transaction() as session:
        record_batch(session, claim.range, [refusal], NOON)  # and the commit gets no answer
    with database.transaction() as session:
        (message,) = claim_rows(session, ledger.Lane.BULK, "b", LATER, 10)
        mark_sending(session, "b", [message.id], LATER)
    with database.transaction() as session:
        recover_rows(session, LATER + timedelta(minutes=2))
    assert _row_of(database, id).state is State.UNCERTAIN
    with database.transaction() as session:
        record_batch(session, claim.range, [refusal], LATER)
    assert (_row_of(database, id).state, _row_of(database, id).attempts) == (State.UNCERTAIN, 2)


def test_what_the_owner_sends_again_is_not_called_uncertain_by_an_old_journal(filled: int, database: Database) -> None:
    claim = _claimed(database)
    ids = [message.id for message in claim.messages]
    with database.transaction() as session:
        claim.mark_sending(session, ids[:1], NOON)
    with database.transaction() as session:
        recover_batches(session, LATER)
        send_again(session, session.get_one(Message, ids[0]), LATER)
    with database.transaction() as session:
        record_batch(session, claim.range, [Outcome(ids[0], State.UNCERTAIN, 0, "gone", "mx:25")], LATER)
    assert (_row_of(database, ids[0]).state, _row_of(database, ids[0]).due_at) == (State.READY, LATER)
