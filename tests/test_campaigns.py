"""Campaigns: scheduled, launched once, filled in chunks, held, called off, finished."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter import articles, brand, campaigns
from newsletter.campaigns import Campaign, CampaignState, NotNow
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail.ledger import Lane, Message, State
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.smtp.memory import accepted
from newsletter.subscribers import Subscriber
from tests.conftest import NOON

People = Callable[..., int]


@pytest.fixture
def golf(database: Database) -> int:
    """A draft."""
    with database.transaction() as session:
        article = articles.write(session, NOON, title="Golf", subject="Golf", body="{{ greeting }}, turn both ways.")
        campaign = Campaign(article=article, created_at=NOON)
        session.add(campaign)
        session.flush()
        return campaign.id


def _schedule(database: Database, id: int) -> None:
    with database.transaction() as session:
        session.get_one(Campaign, id).schedule(NOON, brand.current(session))


def _beat(database: Database, chunk: int = 2) -> None:
    with database.transaction() as session:
        campaigns.launch_due(session, NOON)
    more = True
    while more:
        with database.transaction() as session:
            more = campaigns.fill_next(session, NOON, chunk)
    with database.transaction() as session:
        campaigns.finish_done(session, NOON)


def _state(database: Database, id: int) -> CampaignState:
    with database.reading() as session:
        return session.get_one(Campaign, id).state


def _counts(database: Database, id: int) -> dict[State, int]:
    with database.reading() as session:
        counts = session.get_one(Campaign, id).counts(session)
    return {state: number for state, number in counts.items() if number}


def test_a_campaign_goes_to_everybody_once(
    golf: int, runtime: Runtime, person: People, sent: SentList, database: Database
) -> None:
    for number in range(5):
        person(f"p{number}@example.com")
    person("bob@example.com", newsletter=False)
    _schedule(database, golf)
    _beat(database)
    assert (_state(database, golf), _counts(database, golf)) == (CampaignState.SENDING, {State.READY: 5})
    while runtime.delivery.run(Lane.BULK):
        pass
    _beat(database)
    assert (_state(database, golf), _counts(database, golf)) == (CampaignState.SENT, {State.SENT: 5})
    assert sorted(one.recipient for one in sent.envelopes) == [f"p{n}@example.com" for n in range(5)]


def test_nothing_is_launched_before_its_time(golf: int, database: Database) -> None:
    with database.transaction() as session:
        session.get_one(Campaign, golf).schedule(NOON + timedelta(seconds=1), brand.current(session))
    _beat(database)
    assert _state(database, golf) is CampaignState.SCHEDULED


def test_two_beats_launch_it_once(golf: int, database: Database) -> None:
    _schedule(database, golf)

    def launch() -> int:
        with database.transaction() as session:
            return len(campaigns.launch_due(session, NOON))

    with ThreadPoolExecutor(3) as pool:
        assert sum(future.result(30) for future in [pool.submit(launch) for _ in range(3)]) == 1


def test_a_campaign_to_nobody_is_sent_at_once(golf: int, database: Database) -> None:
    _schedule(database, golf)
    _beat(database)
    assert (_state(database, golf), _counts(database, golf)) == (CampaignState.SENT, {})


def test_who_comes_after_the_launch_is_not_in_it(golf: int, person: People, database: Database) -> None:
    person("alice@example.com")
    _schedule(database, golf)
    with database.transaction() as session:
        campaigns.launch_due(session, NOON)
    person("bob@example.com")
    _beat(database)
    assert _counts(database, golf) == {State.READY: 1}


def test_its_words_are_fixed_at_the_launch(
    golf: int, person: People, runtime: Runtime, sent: SentList, database: Database
) -> None:
    person("alice@example.com")
    _schedule(database, golf)
    _beat(database)
    with database.transaction() as session:
        session.get_one(Campaign, golf).article.revise(NOON, subject="Tennis", preheader="", body="x")
    runtime.delivery.run(Lane.BULK)
    assert b"Subject: Golf\r\n" in sent.envelopes[0].data


def test_a_paused_campaign_holds_and_goes_on(golf: int, person: People, runtime: Runtime, database: Database) -> None:
    person("alice@example.com")
    _schedule(database, golf)
    _beat(database)
    with database.transaction() as session:
        session.get_one(Campaign, golf).pause()
    assert _state(database, golf) is CampaignState.PAUSED
    assert runtime.delivery.run(Lane.BULK) == 0
    with database.transaction() as session:
        session.get_one(Campaign, golf).resume()
    assert runtime.delivery.run(Lane.BULK) == 1


def test_a_pause_is_heard_in_the_middle_of_a_batch(
    golf: int, person: People, runtime: Runtime, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.mail.delivery.MARK_AGE", 3600.0)  # however slow this machine is
    for number in range(60):
        person(f"p{number}@example.com")
    _schedule(database, golf)
    _beat(database, chunk=100)

    def pausing(one: Envelope) -> SmtpResult:
        with database.transaction() as session:
            campaign = session.get_one(Campaign, golf)
            if campaign.state is CampaignState.SENDING:
                campaign.pause()
        return accepted(one)

    runtime.transport = SentList(pausing)
    delivery = runtime.delivery
    delivery.batch_size.size = 20  # as after some seconds with a slow relay
    delivery.run(Lane.BULK)
    assert len(runtime.transport.envelopes) == 20  # those that were marked
    assert delivery.run(Lane.BULK) == 0
    assert _counts(database, golf) == {State.SENT: 20, State.READY: 40}


def test_what_a_claim_began_is_asked_again_by_a_worker_that_was_frozen_behind_it(
    golf: int, person: People, runtime: Runtime, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("alice@example.com")
    _schedule(database, golf)
    _beat(database)
    real = time.monotonic

    @contextmanager
    def freezing() -> Iterator[Session]:
        with database.transaction() as session:
            yield session
        if time.monotonic is real:  # behind the claim's commit: a second goes by, and the owner pauses
            monkeypatch.setattr(time, "monotonic", lambda: real() + 1)
            with database.transaction() as session:
                session.get_one(Campaign, golf).pause()

    runtime.transport = kept = SentList()
    replace(runtime.delivery, transaction=freezing).run(Lane.BULK)
    assert kept.envelopes == []
    assert _counts(database, golf) == {State.READY: 1}


def test_what_was_sent_stays_sent_when_the_rest_is_called_off(
    golf: int, person: People, runtime: Runtime, database: Database
) -> None:
    person("alice@example.com")
    person("bob@example.com")
    _schedule(database, golf)
    _beat(database)
    with database.transaction() as session:
        first = session.scalars(select(Message).order_by(Message.id)).first()
        assert first is not None
        first.state = State.SENT
        session.flush()
        session.get_one(Campaign, golf).cancel(session, NOON)
    assert (_state(database, golf), _counts(database, golf)) == (
        CampaignState.CANCELLED,
        {State.SENT: 1, State.CANCELLED: 1},
    )
    assert runtime.delivery.run(Lane.BULK) == 0


def test_a_campaign_called_off_while_it_is_filled_is_filled_no_more(
    golf: int, person: People, database: Database
) -> None:
    for number in range(4):
        person(f"p{number}@example.com")
    _schedule(database, golf)
    with database.transaction() as session:
        campaigns.launch_due(session, NOON)
    with database.transaction() as session:
        assert campaigns.fill_next(session, NOON, 2)
        session.get_one(Campaign, golf).cancel(session, NOON)
    _beat(database)
    assert _counts(database, golf) == {State.CANCELLED: 2}


@pytest.mark.parametrize(
    ("stage", "code", "stands"),
    [(Stage.REJECTED, 451, CampaignState.SENDING), (Stage.LOST_AFTER, 0, CampaignState.SENT)],
)
def test_a_deferred_message_keeps_it_open_and_an_uncertain_one_does_not(
    stage: Stage, code: int, stands: CampaignState, golf: int, runtime: Runtime, person: People, database: Database
) -> None:
    person("alice@example.com")
    _schedule(database, golf)
    _beat(database)
    runtime.transport = SentList(lambda one: SmtpResult(one.key, stage, code, "", "later", "mx.example:25", "."))
    runtime.delivery.run(Lane.BULK)
    _beat(database)
    assert _state(database, golf) is stands


def test_it_refuses_to_go_without_a_postal_address(golf: int, database: Database) -> None:
    with database.transaction() as session:
        house = brand.current(session)
        house.address = " \n "
        with pytest.raises(NotNow, match="postal address"):
            session.get_one(Campaign, golf).schedule(NOON, house)


@pytest.mark.parametrize(("subject", "body"), [("", "x"), ("Golf", "  \n ")])
def test_it_refuses_to_go_without_words(subject: str, body: str, golf: int, database: Database) -> None:
    with database.transaction() as session:
        campaign = session.get_one(Campaign, golf)
        campaign.article.revise(NOON, subject=subject, preheader="", body=body)
        with pytest.raises(NotNow, match="subject and a text"):
            campaign.schedule(NOON, brand.current(session))


def test_a_scheduled_campaign_can_go_back_to_draft(golf: int, database: Database) -> None:
    _schedule(database, golf)
    with database.transaction() as session:
        session.get_one(Campaign, golf).unschedule()
    _beat(database)
    assert _state(database, golf) is CampaignState.DRAFT


def test_what_is_over_is_over(golf: int, database: Database, clock: FixedClock) -> None:
    _schedule(database, golf)
    _beat(database)
    with database.transaction() as session:
        campaign = session.get_one(Campaign, golf)
        for verb in (
            campaign.pause,
            campaign.resume,
            campaign.unschedule,
            lambda: campaign.cancel(session, NOON),
            lambda: campaign.schedule(NOON, brand.current(session)),
        ):
            with pytest.raises(NotNow, match="sent"):
                verb()


def test_a_campaign_to_one_guides_readers(golf: int, person: People, database: Database) -> None:
    person("alice@example.com")
    with database.transaction() as session:
        session.get_one(Campaign, golf).segment_guide = "exercise-at-50"
        assert session.get_one(Campaign, golf).audience(NOON).size(session) == 0
        assert session.scalar(select(func.count(Subscriber.id))) == 1
