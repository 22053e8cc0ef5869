"""A bulk sending as a whole: filled in chunks, held, let go, called off."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import and_, func, insert, select

from newsletter import articles
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Hold, Lane, Message, State
from newsletter.mail.ledger.again import NotAgain, send_again
from newsletter.mail.ledger.claim import Claim
from newsletter.mail.ledger.counts import count_by_state
from newsletter.mail.ledger.dispatch import Batch
from newsletter.mail.ledger.queue import BATCH_SIZE, fill
from newsletter.subscribers import Segment, Status, Stream, Subscriber
from tests.conftest import NOON

People = Callable[..., int]


@pytest.fixture
def dispatch(database: Database, person: People) -> int:
    """A dispatch to five people, nobody written yet; a sixth comes after its launch."""
    last = [person(f"p{n}@example.com") for n in range(5)][-1]
    person("late@example.com")
    with database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn both ways.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=last)
        session.add(made)
        session.flush()
        return made.id


def _fill(database: Database, id: int, chunk: int) -> int:
    with database.transaction() as session:
        return fill(session, session.get_one(Dispatch, id), Segment().condition(), NOON, chunk)


def _claim(database: Database) -> Claim | None:
    with database.transaction() as session:
        return ledger.claim(session, Lane.BULK, "a", NOON, 100)


def test_recipients_are_written_in_chunks_and_each_once(dispatch: int, database: Database) -> None:
    assert [_fill(database, dispatch, 2) for _ in range(5)] == [2, 2, 1, 0, 0]
    with database.reading() as session:
        rows = session.scalars(select(Message).where(Message.dispatch_id == dispatch)).all()
        done = session.get_one(Dispatch, dispatch)
        assert {row.idempotency_key for row in rows} == {"campaign:7"}
        assert {(row.stream, row.lane, row.state) for row in rows} == {(Stream.CAMPAIGN, Lane.BULK, State.READY)}
        assert len({row.subscriber_id for row in rows}) == len(rows) == 5
        assert (done.filled_at, count_by_state(session, done)[State.READY]) == (NOON, 5)


def test_who_left_while_it_was_filled_is_not_written(dispatch: int, database: Database) -> None:
    _fill(database, dispatch, 2)
    with database.transaction() as session:
        session.scalars(select(Subscriber).where(Subscriber.email == "p4@example.com")).one().unsubscribe(NOON)
    assert _fill(database, dispatch, 100) == 2


def test_a_row_that_is_there_already_is_left_as_it_is(dispatch: int, database: Database) -> None:
    with database.transaction() as session:
        first = session.scalars(select(Subscriber).order_by(Subscriber.id)).first()
        assert first is not None
        ledger.queue(session, first, Stream.CAMPAIGN, "campaign:7", NOON - timedelta(days=1))
    _fill(database, dispatch, 100)
    with database.reading() as session:
        mine = session.scalars(select(Message).where(Message.subscriber_id == first.id)).one()
        assert mine.created_at == NOON - timedelta(days=1)


def test_every_row_lies_in_one_batch_also_where_a_number_is_left_out(dispatch: int, database: Database) -> None:
    people = 5 + 1 + 2 * BATCH_SIZE + 7
    with database.transaction() as session:
        session.execute(insert(Subscriber), [_confirmed(f"q{n}@example.com") for n in range(people - 6)])
        newest = session.scalar(select(func.max(Subscriber.id))) or 0
        session.get_one(Dispatch, dispatch).fill_until = newest
    assert _fill(database, dispatch, 7) == 7
    with database.transaction() as session:  # known already: PostgreSQL has used a number for it in vain
        ledger.queue(session, session.get_one(Subscriber, newest - 1000), Stream.CAMPAIGN, "campaign:7", NOON)
    assert [_fill(database, dispatch, 3 * BATCH_SIZE) for _ in range(2)] == [people - 8, 0]
    with database.reading() as session:
        inside = and_(Message.dispatch_id == Batch.dispatch_id, Message.id.between(Batch.first_id, Batch.last_id))
        found = session.execute(
            select(Batch.id, func.count(Message.id)).outerjoin(Message, inside).group_by(Batch.id).order_by(Batch.id)
        ).all()
        told = session.scalars(select(Batch.counts).order_by(Batch.id)).all()
        assert [count for _, count in found] == [7, BATCH_SIZE, BATCH_SIZE, 5]
        assert told == [{"ready": count} for _, count in found]
        assert session.scalar(select(func.count(Message.id)).where(Message.dispatch_id == dispatch)) == people - 1


def _confirmed(email: str) -> dict[str, object]:
    return {
        "email": email, "email_key": email, "status": Status.CONFIRMED, "newsletter": True, "created_at": NOON,
    }  # fmt: skip


def test_nothing_of_a_held_dispatch_is_claimed(dispatch: int, database: Database) -> None:
    _fill(database, dispatch, 100)
    with database.transaction() as session:
        session.get_one(Dispatch, dispatch).pause("Too many refused.")
    assert _claim(database) is None
    with database.transaction() as session:
        found = session.get_one(Dispatch, dispatch)
        assert found.hold_reason == "Too many refused."
        found.resume()
    claim = _claim(database)
    assert claim is not None
    assert len(claim.messages) == 5


def test_what_was_claimed_before_the_hold_does_not_begin(dispatch: int, database: Database) -> None:
    _fill(database, dispatch, 100)
    claim = _claim(database)
    assert claim is not None
    with database.transaction() as session:
        session.get_one(Dispatch, dispatch).pause()
    with database.transaction() as session:
        assert claim.mark_sending(session, [message.id for message in claim.messages], NOON) == set()


def test_what_is_called_off_is_not_let_go_again(dispatch: int, database: Database) -> None:
    with database.transaction() as session:
        found = session.get_one(Dispatch, dispatch)
        found.hold = Hold.CANCELLED
        found.resume()
        found.pause()
        assert found.hold is Hold.CANCELLED


def test_a_failed_message_of_a_held_dispatch_is_not_sent_again(dispatch: int, database: Database) -> None:
    _fill(database, dispatch, 100)
    with database.transaction() as session:
        session.get_one(Dispatch, dispatch).pause()
        message = session.scalars(select(Message)).first()
        assert message is not None
        message.state = State.FAILED
        with pytest.raises(NotAgain, match="paused"):
            send_again(session, message, NOON)
