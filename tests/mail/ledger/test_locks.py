"""Everybody at once: workers, readers who leave, the owner and the beat never wait for each other in a circle."""

import random
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter import articles, brand, campaigns, journey
from newsletter.campaigns import Campaign, NotNow
from newsletter.db import Database, Gone
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Lane, Message, Outcome, State
from newsletter.mail.ledger.again import NotAgain, send_again
from newsletter.mail.ledger.batch_claims import recover_batches
from newsletter.mail.ledger.counts import count_by_state, recount
from newsletter.mail.ledger.lost import recover_rows
from newsletter.mail.render import Content
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber
from newsletter.throttle import rules
from newsletter.throttle.rules import Rate, Scope
from tests.conftest import NOON

PEOPLE = 24
BATCH_SIZE = 3
LATER = NOON + timedelta(hours=1)
"""Leases of workers at noon have run out: the beat takes their messages while they go on."""

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.real)
pytestmark = pytest.mark.parametrize("database_url", [POSTGRESQL], indirect=True)


@pytest.fixture
def golf(database: Database, person: Callable[..., int]) -> int:
    """A campaign to 24 people in batches of three."""
    for number in range(PEOPLE):
        person(f"p{number}@example.com")
    with database.transaction() as session:
        article = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn both ways.")
        campaign = Campaign(article=article, created_at=NOON)
        session.add(campaign)
        campaign.schedule(NOON, brand.current(session))
    with database.transaction() as session:
        [launched] = campaigns.launch_due(session, NOON)
        id = launched.id
    more = True
    while more:
        with database.transaction() as session:
            more = campaigns.fill_next(session, NOON, BATCH_SIZE)
    return id


class _Town:
    """Who does what to the ledger; each method is one person's, or one program's, next few transactions."""

    def __init__(self, runtime: Runtime, campaign: int, seed: int) -> None:
        self.runtime, self.database, self.campaign = runtime, runtime.database, campaign
        self.chance, self.over = random.Random(seed), threading.Event()

    def deliver(self) -> None:
        with self.database.transaction() as session:
            claim = ledger.claim(session, Lane.BULK, uuid.uuid4().hex, NOON, 5, mark=2)
        if claim is None:
            return
        ids = [message.id for message in claim.messages]
        sending = set(claim.sending)
        if more := [id for id in ids if id not in sending]:
            with self.database.transaction() as session:
                sending |= claim.mark_sending(session, more, NOON)
        first, rest = sorted(sending)[::2], sorted(sending)[1::2]
        self.chance.shuffle(first)
        with self.database.transaction() as session:
            claim.record(session, [self._outcome(id) for id in first], NOON)
        with self.database.transaction() as session:
            claim.finish(session, [self._outcome(id) for id in reversed(rest)], NOON, set(ids) - sending, None)

    def _outcome(self, id: int) -> Outcome:
        state = self.chance.choice([State.SENT, State.SENT, State.DEFERRED, State.FAILED, State.UNCERTAIN])
        return Outcome(id, state, 250, "ok", "mx:25", NOON if state is State.DEFERRED else None)

    def leave(self) -> None:
        with suppress(Gone), self.database.transaction() as session:
            if subscriber := session.get(Subscriber, self.chance.randint(1, PEOPLE)):
                journey.unsubscribe(session, subscriber, NOON, goodbye=False)

    def erase(self) -> None:
        with self.database.transaction() as session:
            if subscriber := session.get(Subscriber, self.chance.randint(1, PEOPLE), with_for_update=True):
                journey.erase(session, self.runtime, subscriber, NOON)

    def change_words(self) -> None:
        for verb in ("pause", "revise", "resume"):
            with suppress(NotNow), self.database.transaction() as session:
                campaign = session.get_one(Campaign, self.campaign, with_for_update=True)
                if verb == "revise":
                    campaign.revise(session, Content(f"Golf {self.chance.random()}", "", "Serve."), NOON)
                else:
                    getattr(campaign, verb)()

    def send_again(self) -> None:
        with suppress(NotAgain), self.database.transaction() as session:
            troubled = select(Message).where(Message.troubled_at.is_not(None)).order_by(func.random()).limit(1)
            if message := session.scalar(troubled):
                send_again(session, message, NOON)

    def recover(self) -> None:
        with self.database.transaction() as session:
            recover_rows(session, LATER)
            recover_batches(session, LATER)
        with self.database.transaction() as session:
            campaigns.cancel_stragglers(session, NOON)
        with self.database.transaction() as session:
            campaigns.finish_done(session, NOON)
            recount(session)
            rules.put(session, Scope.ALL, "", Rate(1000, 60), NOON)

    def keep_doing(self, what: Callable[[], None]) -> None:
        while not self.over.is_set():
            what()

    def cancel(self) -> None:
        with suppress(NotNow), self.database.transaction() as session:  # it may have come to its end
            session.get_one(Campaign, self.campaign, with_for_update=True).cancel(session, NOON)
        more = True
        while more:
            with self.database.transaction() as session:
                more = campaigns.cancel_more(session, NOON)


def _counted(session: Session, dispatch: int) -> dict[State, int]:
    rows = session.execute(
        select(Message.state, func.count()).where(Message.dispatch_id == dispatch).group_by(Message.state)
    )
    return dict(rows.all())


@pytest.mark.parametrize("seed", range(3))
def test_nobody_waits_in_a_circle_and_the_counts_stay_true(
    golf: int, runtime: Runtime, database: Database, seed: int
) -> None:
    town = _Town(runtime, golf, seed)
    doers = [town.deliver, town.deliver, town.leave, town.change_words, town.send_again, town.recover]
    with ThreadPoolExecutor(len(doers)) as pool:
        running = [pool.submit(town.keep_doing, what) for what in doers]
        try:
            for _ in range(PEOPLE // 4):
                town.erase()
            town.over.wait(0.5)
            town.cancel()
        finally:
            town.over.set()
        for one in running:
            one.result(30)  # a deadlock would be raised here
    with database.transaction() as session:
        recover_rows(session, LATER)
        recover_batches(session, LATER)
        campaigns.cancel_stragglers(session, NOON)
    with database.transaction() as session:
        dispatch = session.get_one(Dispatch, session.get_one(Campaign, golf).dispatch_id)
        told = {state: number for state, number in count_by_state(session, dispatch).items() if number}
        counted = _counted(session, dispatch.id)
        counted[State.CANCELLED] = counted.get(State.CANCELLED, 0) + counted.pop(State.READY, 0)
        assert told == {state: number for state, number in counted.items() if number}
