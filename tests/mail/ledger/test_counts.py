"""Counts: whatever happens to messages, the counts of a dispatch are what one would count."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from newsletter import articles
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Hold, Lane, Message, Outcome, State
from newsletter.mail.ledger.again import send_again
from newsletter.mail.ledger.batch_claims import recover_batches
from newsletter.mail.ledger.claim import Claim
from newsletter.mail.ledger.contents import revision_impact
from newsletter.mail.ledger.counts import count_by_state, recount
from newsletter.mail.ledger.dispatch import Batch
from newsletter.mail.ledger.lost import recover_rows
from newsletter.mail.ledger.queue import cancel_next_batch, fill
from newsletter.mail.ledger.reasons import Reason
from newsletter.subscribers import Segment
from tests.conftest import NOON

People = Callable[..., int]
PEOPLE = 12


@pytest.fixture
def dispatch(database: Database, person: People) -> int:
    """Twelve people in batches of three."""
    last = [person(f"p{n}@example.com") for n in range(PEOPLE)][-1]
    with database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=last)
        session.add(made)
        session.flush()
        assert [fill(session, made, Segment().condition(), NOON, 3) for _ in range(5)] == [3, 3, 3, 3, 0]
        return made.id


def _counted(session: Session, dispatch: int) -> dict[State, int]:
    rows = session.execute(
        select(Message.state, func.count()).where(Message.dispatch_id == dispatch).group_by(Message.state)
    )
    return dict(rows.all())


def _told(session: Session, dispatch: int) -> dict[State, int]:
    told = count_by_state(session, session.get_one(Dispatch, dispatch))
    return {state: number for state, number in told.items() if number}


def _first_one(session: Session, dispatch: int) -> tuple[int, int, int]:
    """Which of all is the first untried one, how many have not been tried, how many behind that one have had it."""
    rows = session.scalars(select(Message).where(Message.dispatch_id == dispatch).order_by(Message.id)).all()
    untried = [place for place, one in enumerate(rows) if one.state is State.READY and one.due_at is None]
    if not untried:
        return 0, 0, 0
    had = [one for one in rows[untried[0] :] if one.state in (State.SENT, State.UNCERTAIN)]
    return untried[0] + 1, len(untried), len(had)


class _Life:
    """Does to the ledger what workers, readers and owners do, in any order."""

    def __init__(self, database: Database, chance: random.Random) -> None:
        self.database, self.chance, self.now = database, chance, NOON
        self.held: list[tuple[Claim, list[int]]] = []

    def claim(self) -> None:
        with self.database.transaction() as session:
            token = f"t{self.chance.random()}"[:30]
            if claim := ledger.claim(session, Lane.BULK, token, self.now, 10, mark=self.chance.choice([0, 2, 3])):
                self.held.append((claim, sorted(claim.sending)))

    def mark_sending(self) -> None:
        for claim, sending in self.held:
            with self.database.transaction() as session:
                some = [message.id for message in claim.messages if message.id not in sending]
                if some := some[: self.chance.randint(0, 3)]:
                    sending += claim.mark_sending(session, some, self.now)

    def record(self) -> None:
        for claim, sending in self.held:
            outcomes = [self._outcome(id) for id in sending if self.chance.random() < 0.7]
            del sending[:]
            with self.database.transaction() as session:
                claim.record(session, outcomes, self.now)

    def _outcome(self, id: int) -> Outcome:
        state = self.chance.choice([State.SENT, State.SENT, State.DEFERRED, State.FAILED, State.UNCERTAIN])
        later = self.now + timedelta(seconds=30) if state is State.DEFERRED else None
        return Outcome(id, state, 250, "so", "mx:25", due_at=later)

    def release(self) -> None:
        if self.held:
            claim, sending = self.held.pop(self.chance.randrange(len(self.held)))
            state = self.chance.choice([State.SENT, None])
            outcomes = [Outcome(id, state, 250, "so", "mx:25") if state else self._outcome(id) for id in sending]
            with self.database.transaction() as session:
                claim.finish(session, outcomes, self.now, (), None)

    def expire(self) -> None:
        self.now += timedelta(minutes=2)
        with self.database.transaction() as session:
            recover_rows(session, self.now)
            recover_batches(session, self.now)

    def leave(self) -> None:
        with self.database.transaction() as session:
            someone = self.chance.randint(1, PEOPLE)
            ledger.cancel(session, self.now, Reason.LEFT, Message.subscriber_id == someone)

    def send_again(self) -> None:
        with self.database.transaction() as session:
            for message in session.scalars(select(Message).where(Message.state == State.UNCERTAIN).limit(1)):
                send_again(session, message, self.now)

    def count(self) -> None:
        with self.database.transaction() as session:
            recount(session)


@pytest.mark.parametrize("seed", range(6))
def test_the_counts_are_always_what_one_would_count(dispatch: int, database: Database, seed: int) -> None:
    chance = random.Random(seed)
    life = _Life(database, chance)
    deeds = [
        life.claim,
        life.mark_sending,
        life.record,
        life.release,
        life.expire,
        life.leave,
        life.send_again,
        life.count,
    ]
    for _ in range(60):
        deed = chance.choices(deeds, weights=[4, 4, 4, 2, 1, 1, 1, 3])[0]
        deed()
        with database.reading() as session:
            assert _told(session, dispatch) == _counted(session, dispatch), deed.__name__
            made = session.get_one(Dispatch, dispatch)
            impact = revision_impact(session, made, Segment().condition())
            assert (impact.first, impact.to_come, impact.behind) == _first_one(session, dispatch), deed.__name__


def test_a_batch_that_is_done_is_not_counted_again(dispatch: int, database: Database) -> None:
    life = _Life(database, random.Random(1))
    life.claim()
    claim, _ = life.held[0]
    with database.transaction() as session:
        ids = [message.id for message in claim.messages]
        claim.mark_sending(session, ids, NOON)
        claim.finish(session, [Outcome(id, State.SENT, 250, "so", "mx:25") for id in ids], NOON, (), None)
    with database.transaction() as session:
        assert session.scalars(select(Batch.counts).order_by(Batch.id)).first() == {"sent": 3}
        session.execute(update(Message).where(Message.id.in_(ids)).values(state=State.FAILED))  # behind its back
        assert _told(session, dispatch) == {State.SENT: 3, State.READY: 9}


def test_what_a_cancelled_one_still_has_is_told_as_cancelled_before_its_rows_say_so(
    dispatch: int, database: Database
) -> None:
    with database.transaction() as session:
        session.get_one(Dispatch, dispatch).hold = Hold.CANCELLED
    for left in (9, 6, 3, 0):
        with database.transaction() as session:
            assert _told(session, dispatch) == {State.CANCELLED: PEOPLE}
            assert cancel_next_batch(session, NOON, Reason.CAMPAIGN_CANCELLED)
            assert _counted(session, dispatch).get(State.READY, 0) == left
    with database.transaction() as session:
        assert not cancel_next_batch(session, NOON, Reason.CAMPAIGN_CANCELLED)
