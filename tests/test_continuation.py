"""A campaign that was called off while it went out goes on to the others: to each of them once, and to nobody twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from sqlalchemy import select, update

from newsletter import campaigns, jobs
from newsletter.campaigns import Campaign, NotNow, together
from newsletter.continuation import continue_, continued_by, continues, is_settled, others, why_not
from newsletter.mail.ledger import Lane, Message, State
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.subscribers import Subscriber
from tests.campaigns.conftest import people
from tests.campaigns.test_left_out import BY_HAND, go, house, made, names

__all__ = ["house"]
MANY = 40


def cancel(runtime: Runtime, id: int) -> None:
    """Call the rest off, and let the workers bring all in line."""
    with runtime.database.transaction() as session:
        together.cancel(session, session.get_one(Campaign, id), runtime.clock.now())
    jobs.launch_campaigns(runtime, lambda: False, lambda: None)


def went_on(runtime: Runtime, id: int) -> int:
    """The draft to the others."""
    with runtime.database.transaction() as session:
        return continue_(session, session.get_one(Campaign, id, with_for_update=True), runtime.clock.now()).id


def deliver(runtime: Runtime) -> None:
    """Write what recipients there are, and send all that may go."""
    jobs.launch_campaigns(runtime, lambda: False, lambda: None)
    while runtime.delivery.run(Lane.BULK):
        pass
    jobs.launch_campaigns(runtime, lambda: False, lambda: None)


def _write(runtime: Runtime, chunk: int) -> None:
    with runtime.database.transaction() as session:
        campaigns.fill_next(session, runtime.clock.now(), chunk)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_became_of_whom_nobody_has_it_twice_and_nobody_is_forgotten(house: Runtime, seed: int) -> None:
    """Servers accept, refuse and hang up in the middle, before and behind the last dot; it is called off somewhere."""
    people(house, MANY)
    drawn, hits = Random(seed), Counter[str]()
    stages = (Stage.ACCEPTED, Stage.ACCEPTED, Stage.REJECTED, Stage.LOST_AFTER, Stage.LOST_BEFORE)

    def answer(one: Envelope) -> SmtpResult:
        stage = drawn.choice(stages) if not is_over else Stage.ACCEPTED
        hits[one.recipient] += stage in (Stage.ACCEPTED, Stage.LOST_AFTER)
        code = {Stage.ACCEPTED: 250, Stage.REJECTED: 550}.get(stage, 0)
        return SmtpResult(one.key, stage, code, "5.7.1" if code == 550 else "", "", "mx:25", ".")

    is_over = False
    house.transport = SentList(answer)
    id = made(house, "B")
    go(house, id)
    _write(house, drawn.randrange(1, MANY))
    for _ in range(drawn.randrange(1, 3)):
        house.delivery.run(Lane.BULK)
    _write(house, drawn.randrange(1, 5))
    cancel(house, id)
    had = dict(hits)
    is_over = True
    with house.database.reading() as session:
        refused = set(session.scalars(select(Subscriber.email).join(Message, Message.subscriber_id == Subscriber.id)
                                      .where(Message.state == State.FAILED)))  # fmt: skip
    second = went_on(house, id)
    go(house, second)
    deliver(house)
    assert max(hits.values()) == 1
    everybody = {f"p{one}@example.com" for one in range(1_001, 1_001 + MANY)}
    everybody |= {f"{name}@example.com" for name in ("jane", "joe", "ann")}
    assert {one for one, times in hits.items() if times} == everybody, "bob was left out of both"
    assert refused.isdisjoint(one for one, times in had.items() if times)


def test_nothing_is_drafted_while_some_are_on_the_wire(house: Runtime) -> None:
    id = made(house)
    go(house, id)
    _write(house, 2)
    with house.database.transaction() as session:
        session.execute(update(Batch).values(state=BatchState.CLAIMED, lease_until=house.clock.now()))
        together.cancel(session, session.get_one(Campaign, id), house.clock.now())
        assert not is_settled(session, session.get_one(Campaign, id))
    with pytest.raises(NotNow, match="still on the wire"):
        went_on(house, id)


def test_the_same_audience_without_those_who_had_it(house: Runtime) -> None:
    id = made(house, "B")
    go(house, id)
    _write(house, 1)
    with house.database.transaction() as session:
        session.execute(update(Message).values(state=State.UNCERTAIN))
        session.execute(update(Batch).values(state=BatchState.DONE))
    cancel(house, id)
    with house.database.reading() as session:
        first = session.get_one(Campaign, id)
        assert not why_not(session, first) and others(session, first, house.clock.now()).size(session) == 2
    second = went_on(house, id)
    with house.database.reading() as session:
        kept = session.get_one(Campaign, second)
        assert kept.article.title == "Golf" and kept.is_new and [one.name for one in kept.left_out] == ["B"]
        source = continues(session, kept)
        assert source is not None and source.id == id
    go(house, second)
    deliver(house)
    assert len(names(house, second)) == 2 and set(names(house, second)).isdisjoint(names(house, id))


def test_there_is_one_and_once_more_after_it_was_thrown_away(house: Runtime) -> None:
    id = made(house)
    go(house, id)
    _write(house, 1)
    cancel(house, id)
    second = went_on(house, id)
    with pytest.raises(NotNow, match="already"):
        went_on(house, id)
    cancel(house, second)
    with house.database.reading() as session:
        assert continued_by(session, session.get_one(Campaign, id)) is None
        told = why_not(session, session.get_one(Campaign, second))
        assert "Only a campaign that was cancelled while it went out" in told
    assert went_on(house, id) != second


def test_both_halves_of_a_test_are_continued_as_one(house: Runtime) -> None:
    people(house, MANY)
    id = made(house, wish=BY_HAND)
    go(house, id)
    deliver(house)
    tested = set(names(house))
    with house.database.transaction() as session:
        session.execute(update(Campaign).where(Campaign.part.is_not(None)).values(stored_state="sending"))
    cancel(house, id)
    with house.database.reading() as session:
        test = campaigns.ab_test_of(session, session.get_one(Campaign, id))
        assert test is not None and "from the page of A" in why_not(session, test.b)
    second = went_on(house, id)
    go(house, second)
    deliver(house)
    assert tested and tested.isdisjoint(names(house, second)) and len(names(house)) == MANY + 4


@pytest.mark.both_databases
def test_two_presses_at_once_make_one(house: Runtime) -> None:
    id = made(house)
    go(house, id)
    _write(house, 1)
    cancel(house, id)

    def press(_: int) -> int:
        try:
            return went_on(house, id)
        except NotNow:
            return 0

    with ThreadPoolExecutor(2) as hands:
        drafts = [one for one in hands.map(press, range(2)) if one]
    assert len(drafts) == 1
