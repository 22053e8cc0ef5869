"""A bulk sending as a whole: filled in chunks, held, let go, called off."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import and_, func, insert, select

from newsletter import articles
from newsletter.db import Database
from newsletter.mail import outbox
from newsletter.mail.outbox import Dispatch, Hold, Lane, Lot, Message, NotAgain, State
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
        made = Dispatch(revision_id=words.id, occasion="campaign:7", created_at=NOON, fill_until=last)
        session.add(made)
        session.flush()
        return made.id


def _fill(database: Database, id: int, chunk: int) -> int:
    with database.transaction() as session:
        return outbox.fill(session, session.get_one(Dispatch, id), Segment().condition(), NOON, chunk)


def _take(database: Database) -> outbox.Taken | None:
    with database.transaction() as session:
        return outbox.take(session, Lane.BULK, "a", NOON, 100)


def test_recipients_are_written_in_chunks_and_each_once(dispatch: int, database: Database) -> None:
    assert [_fill(database, dispatch, 2) for _ in range(5)] == [2, 2, 1, 0, 0]
    with database.reading() as session:
        rows = session.scalars(select(Message).where(Message.dispatch_id == dispatch)).all()
        done = session.get_one(Dispatch, dispatch)
        assert {row.occasion for row in rows} == {"campaign:7"}
        assert {(row.stream, row.lane, row.state) for row in rows} == {(Stream.CAMPAIGN, Lane.BULK, State.READY)}
        assert len({row.subscriber_id for row in rows}) == len(rows) == 5
        assert (done.filled_at, outbox.counts(session, done)[State.READY]) == (NOON, 5)


def test_who_left_while_it_was_filled_is_not_written(dispatch: int, database: Database) -> None:
    _fill(database, dispatch, 2)
    with database.transaction() as session:
        session.scalars(select(Subscriber).where(Subscriber.email == "p4@example.com")).one().unsubscribe(NOON)
    assert _fill(database, dispatch, 100) == 2


def test_a_row_that_is_there_already_is_left_as_it_is(dispatch: int, database: Database) -> None:
    with database.transaction() as session:
        first = session.scalars(select(Subscriber).order_by(Subscriber.id)).first()
        assert first is not None
        outbox.queue(session, first, Stream.CAMPAIGN, "campaign:7", NOON - timedelta(days=1))
    _fill(database, dispatch, 100)
    with database.reading() as session:
        mine = session.scalars(select(Message).where(Message.subscriber_id == first.id)).one()
        assert mine.created_at == NOON - timedelta(days=1)


def test_every_row_lies_in_one_lot_also_where_a_number_is_left_out(dispatch: int, database: Database) -> None:
    people = 5 + 1 + 2 * outbox.LOT + 7
    with database.transaction() as session:
        session.execute(insert(Subscriber), [_confirmed(f"q{n}@example.com") for n in range(people - 6)])
        newest = session.scalar(select(func.max(Subscriber.id))) or 0
        session.get_one(Dispatch, dispatch).fill_until = newest
    assert _fill(database, dispatch, 7) == 7
    with database.transaction() as session:  # known already: PostgreSQL has used a number for it in vain
        outbox.queue(session, session.get_one(Subscriber, newest - 1000), Stream.CAMPAIGN, "campaign:7", NOON)
    assert [_fill(database, dispatch, 3 * outbox.LOT) for _ in range(2)] == [people - 8, 0]
    with database.reading() as session:
        inside = and_(Message.dispatch_id == Lot.dispatch_id, Message.id.between(Lot.first_id, Lot.last_id))
        found = session.execute(
            select(Lot.id, func.count(Message.id)).outerjoin(Message, inside).group_by(Lot.id).order_by(Lot.id)
        ).all()
        told = session.scalars(select(Lot.tally).order_by(Lot.id)).all()
        assert [count for _, count in found] == [7, outbox.LOT, outbox.LOT, 5]
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
    assert _take(database) is None
    with database.transaction() as session:
        found = session.get_one(Dispatch, dispatch)
        assert found.hold_reason == "Too many refused."
        found.resume()
    taken = _take(database)
    assert taken is not None
    assert len(taken.letters) == 5


def test_what_was_claimed_before_the_hold_does_not_begin(dispatch: int, database: Database) -> None:
    _fill(database, dispatch, 100)
    taken = _take(database)
    assert taken is not None
    with database.transaction() as session:
        session.get_one(Dispatch, dispatch).pause()
    with database.transaction() as session:
        assert taken.begin(session, [letter.id for letter in taken.letters], NOON) == set()


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
            outbox.send_again(session, message, NOON)
