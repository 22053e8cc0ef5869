"""Putting into the ledger, and taking back."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter import articles
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Lane, Message, State
from newsletter.mail.ledger.again import NotAgain, send_again
from newsletter.mail.ledger.queue import fill
from newsletter.mail.ledger.reasons import Reason
from newsletter.subscribers import Segment, Stream, Subscriber
from tests.conftest import NOON

Queued = Callable[..., int]
Row = Callable[[int], Message]


def test_a_message_is_ready_at_once_and_in_its_streams_lane(queued: Queued, row: Row) -> None:
    guide, step = row(queued(stream=Stream.GUIDE)), row(queued(stream=Stream.STEP))
    assert (guide.state, guide.due_at, guide.lane) == (State.READY, NOON, Lane.TRANSACTIONAL)
    assert step.lane is Lane.BULK


def test_a_second_mail_for_one_occasion_is_not_queued(queued: Queued, database: Database) -> None:
    assert queued(key="confirm:1") == queued(key="confirm:1") != queued(key="confirm:2")


def test_two_at_once_queue_one(database: Database, person: Callable[..., int]) -> None:
    jane, both = person("jane@example.com"), threading.Barrier(2)

    def one() -> int:
        with database.transaction() as session:
            subscriber = session.get_one(Subscriber, jane)
            if not database.is_sqlite:  # where two writers can be at work together
                both.wait(10)
            return ledger.queue(session, subscriber, Stream.GUIDE, "guide:1", NOON)[0].id

    with ThreadPoolExecutor(2) as pool:
        first, second = (future.result(30) for future in [pool.submit(one), pool.submit(one)])
    assert first == second


@pytest.mark.parametrize("state", State)
def test_only_what_was_not_handed_over_is_called_off(
    state: State, queued: Queued, database: Database, row: Row
) -> None:
    id = queued()
    with database.transaction() as session:
        session.get_one(Message, id).state = state
        session.flush()
        called_off = ledger.cancel(session, NOON, Reason.LEFT, Message.id == id)
    open_states = (State.READY, State.DEFERRED, State.CLAIMED)
    assert called_off == (state in open_states)
    assert row(id).state is (State.CANCELLED if state in open_states else state)


@pytest.mark.parametrize("state", [State.FAILED, State.UNCERTAIN])
def test_a_person_may_send_a_troubled_message_again(state: State, queued: Queued, database: Database, row: Row) -> None:
    id, later = queued(), NOON + timedelta(hours=1)
    with database.transaction() as session:
        message = session.get_one(Message, id)
        message.state, message.reviewed_at = state, NOON
        send_again(session, message, later)
    assert (row(id).state, row(id).due_at, row(id).reviewed_at) == (State.READY, later, None)


@pytest.mark.parametrize("state", sorted(set(State) - {State.FAILED, State.UNCERTAIN}))
def test_any_other_message_is_not_sent_again(state: State, queued: Queued, database: Database) -> None:
    id = queued()
    with database.transaction() as session:
        message = session.get_one(Message, id)
        message.state = state
        with pytest.raises(NotAgain, match=str(state)):
            send_again(session, message, NOON)


def test_a_deleted_person_takes_their_messages_along(queued: Queued, database: Database) -> None:
    queued()
    with database.transaction() as session:
        session.delete(session.scalars(select(Subscriber)).one())
        session.flush()
        assert session.scalar(select(func.count(Message.id))) == 0


def test_who_is_erased_while_recipients_are_written_leaves_no_message(
    database: Database, person: Callable[..., int]
) -> None:
    jane, written, erased = person("jane@example.com"), threading.Event(), threading.Event()

    def launch() -> None:
        with database.transaction() as session:
            words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.").current
            made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=jane)
            session.add(made)
            session.flush()
            assert fill(session, made, Segment().condition(), NOON, 100) == 1
            written.set()
            assert not erased.wait(0.3)  # whoever erases has to wait for us

    def erase() -> None:
        assert written.wait(10)
        with database.transaction() as session:
            session.delete(session.get_one(Subscriber, jane))
            session.flush()
            erased.set()

    with ThreadPoolExecutor(2) as two:
        for done in [two.submit(launch), two.submit(erase)]:
            done.result(30)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0
