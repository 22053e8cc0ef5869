"""Second tries of a whole campaign: those in one state, and nobody twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import articles
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Lane, Message, Outcome, State
from newsletter.mail.ledger.again import NotAgain, send_all_again
from newsletter.mail.ledger.counts import count_by_state
from newsletter.mail.ledger.queue import fill
from newsletter.subscribers import Segment
from tests.conftest import NOON

LATER = NOON + timedelta(hours=1)
OUTCOMES = [State.SENT, State.UNCERTAIN, State.FAILED, State.UNCERTAIN, State.SENT, State.FAILED]


@pytest.fixture
def dispatch(database: Database, person: Callable[..., int]) -> int:
    """A campaign to six people, all with an outcome: two sent, two uncertain, two failed."""
    last = [person(f"p{n}@example.com") for n in range(len(OUTCOMES))][-1]
    with database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=last)
        session.add(made)
        session.flush()
        fill(session, made, Segment().condition(), NOON, 100)
        claim = ledger.claim(session, Lane.BULK, "t", NOON, 10, mark=10)
        assert claim is not None
        outcomes = [
            Outcome(message.id, state, 250, "ok", "mx:25")
            for message, state in zip(claim.messages, OUTCOMES, strict=True)
        ]
        claim.finish(session, outcomes, NOON, (), None)
        return made.id


def _again(database: Database, dispatch: int, state: State) -> int:
    with database.transaction() as session:
        return send_all_again(session, session.get_one(Dispatch, dispatch), state, LATER)


def _waiting(database: Database) -> list[int]:
    """The places of those that a worker would take now."""
    with database.reading() as session:
        rows = session.scalars(select(Message).order_by(Message.id)).all()
        return [place for place, row in enumerate(rows) if row.state is State.READY and row.due_at == LATER]


@pytest.mark.parametrize(("state", "places"), [(State.UNCERTAIN, [1, 3]), (State.FAILED, [2, 5])])
def test_those_in_one_state_go_again_and_once_only(
    dispatch: int, database: Database, state: State, places: list[int]
) -> None:
    assert _again(database, dispatch, state) == 2
    assert _waiting(database) == places
    assert _again(database, dispatch, state) == 0
    with database.reading() as session:
        told = count_by_state(session, session.get_one(Dispatch, dispatch))
        assert (told[State.READY], told[state], told[State.SENT]) == (2, 0, 2)


def test_what_the_owner_has_let_rest_stays(dispatch: int, database: Database) -> None:
    with database.transaction() as session:
        session.scalars(select(Message).where(Message.state == State.UNCERTAIN)).first().leave(NOON)
    assert _again(database, dispatch, State.UNCERTAIN) == 1
    assert _waiting(database) == [3]


def test_nothing_of_a_held_campaign_and_nothing_that_was_sent(dispatch: int, database: Database) -> None:
    with pytest.raises(ValueError, match="sent is nothing to send again"):
        _again(database, dispatch, State.SENT)
    with database.transaction() as session:
        session.get_one(Dispatch, dispatch).pause("By the owner.")
    with pytest.raises(NotAgain, match="paused"):
        _again(database, dispatch, State.FAILED)
    assert _waiting(database) == []
