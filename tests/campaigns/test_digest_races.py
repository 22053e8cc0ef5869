"""Ticks, presses and claims at once, and a process that is killed: each campaign comes once, singly or in one mail."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest
from sqlalchemy import func, select

from newsletter import campaigns, journey, topics
from newsletter.campaigns import Campaign
from newsletter.mail import ledger
from newsletter.mail.ledger import Lane, Message, Reason, State, digest
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream, Subscriber, TopicChoice
from tests.campaigns.conftest import people
from tests.campaigns.week import FRIDAY, JANE, PRESS, Week

MANY = range(2_001, 2_061)


class Killed(BaseException):
    """What a process that is killed does to a transaction: it never commits."""


def _at_once(*acts: Callable[[], object]) -> None:
    together = Barrier(len(acts))

    def act(one: Callable[[], object]) -> None:
        together.wait()
        one()

    with ThreadPoolExecutor(len(acts)) as hands:
        for one in [hands.submit(act, one) for one in acts]:
            one.result()


@pytest.fixture
def crowd(week: Week, runtime: Runtime) -> Week:
    """Sixty more who take one mail a week."""
    people(runtime, len(MANY), MANY[0])
    with runtime.database.transaction() as session:
        for one in session.scalars(select(Subscriber).where(Subscriber.id.in_(MANY))):
            one.digest = True
    return week


def _mails(week: Week) -> Counter[str]:
    return Counter(one.recipient for one in week.sent.envelopes)


def test_two_ticks_at_once_queue_one_mail_each(crowd: Week, runtime: Runtime) -> None:
    crowd.campaign("Golf")
    crowd.campaign("Knee")
    crowd.clock.forward(FRIDAY - crowd.clock.now())
    crowd.sent.envelopes.clear()
    _at_once(crowd.tick, crowd.tick, crowd.tick)
    crowd.tick()
    crowd.deliver()
    assert _mails(crowd) == {f"p{id}@example.com": 1 for id in (JANE, *MANY)}


def test_a_tick_that_is_killed_before_its_commit_has_done_nothing(week: Week, runtime: Runtime) -> None:
    week.campaign("Golf")
    week.clock.forward(FRIDAY - week.clock.now())
    with suppress(Killed), runtime.database.transaction() as session:
        campaigns.send_digests(session, runtime.renderer, week.clock.now())
        raise Killed
    assert week.entry_count() == (1, 0)
    week.tick()
    week.deliver()
    assert len(week.got()) == 1


def test_a_claim_that_is_killed_before_its_commit_enters_nothing(week: Week, runtime: Runtime) -> None:
    golf = week.launched("Golf")
    with suppress(Killed), runtime.database.transaction() as session:
        ledger.claim(session, Lane.BULK, "t" * 24, week.clock.now(), 500)
        raise Killed
    assert week.message(golf).state is State.READY and week.entry_count() == (0, 0)
    week.deliver()
    week.at(FRIDAY)
    assert week.got() == ["This week from Human Movement: Golf"]


@pytest.mark.parametrize("round", range(3))
def test_switching_beside_the_claim_sends_each_once(crowd: Week, runtime: Runtime, round: int) -> None:
    """In and out, while workers claim: a campaign comes singly or in the weekly mail, never both and never neither."""
    lots = random.Random(round)

    def switch() -> None:
        for id in lots.sample(MANY, 40):
            with runtime.database.transaction() as session:
                person = session.get_one(Subscriber, id)
                verb = journey.take_singles if person.digest else journey.take_digest
                verb(session, person, PRESS, crowd.clock.now())

    for title in ("Golf", "Knee"):
        crowd.launched(title)
        _at_once(switch, crowd.deliver, crowd.deliver)
        crowd.deliver()
    singly = Counter(one.recipient for one in crowd.sent.envelopes)
    crowd.sent.envelopes.clear()
    crowd.at(FRIDAY)
    with runtime.database.reading() as session:
        mails = session.scalars(select(Message).where(Message.stream == Stream.DIGEST)).all()
        entered = Counter(f"p{one.subscriber_id}@example.com" for one in mails for _ in (one.context or {})["digest"])
        assert session.scalar(select(func.count()).where(Message.state == State.READY)) == 0
    assert singly + entered == {f"p{id}@example.com": 2 for id in (JANE, JANE + 1, *MANY)}
    assert _mails(crowd) == dict.fromkeys(entered, 1)


@pytest.mark.parametrize("round", range(3))
def test_presses_beside_the_tick_and_the_delivery(crowd: Week, runtime: Runtime, round: int) -> None:
    """Some leave, some pause, some untick while their mail is put together and sent: nobody gets what they left
    before it was marked, nobody gets anything twice, and no two wait for each other."""
    with runtime.database.reading() as session:
        rehab, training = topics.every(session)[:2]
    golf, knee = crowd.campaign("Golf", topic=training), crowd.campaign("Knee", topic=rehab)
    crowd.clock.forward(FRIDAY - crowd.clock.now())
    crowd.sent.envelopes.clear()
    leave, pause, untick = MANY[:20], MANY[20:40], MANY[40:]

    def press() -> None:
        for of_each in zip(leave, pause, untick, strict=True):
            for id, verb in zip(of_each, ("leave", "pause", "untick"), strict=True):
                with runtime.database.transaction() as session:
                    person, now = session.get_one(Subscriber, id), crowd.clock.now()
                    if verb == "leave":
                        journey.unsubscribe(session, person, now, goodbye=False)
                    elif verb == "pause":
                        journey.pause(session, person, PRESS, now)
                    else:
                        journey.change_topics(session, person, TopicChoice.of([rehab.id]), PRESS, now)

    def turn() -> None:
        for _ in range(6):
            crowd.tick()
            while runtime.delivery.run(Lane.BULK):
                pass

    _at_once(press, turn, turn)
    crowd.tick()
    crowd.deliver()
    assert set(_mails(crowd).values()) == {1}
    with runtime.database.reading() as session:
        sent = session.scalars(
            select(Message).where(Message.stream == Stream.DIGEST, Message.state == State.SENT)
        ).all()
        stood = Counter((one.subscriber_id, title["title"]) for one in sent for title in (one.context or {})["digest"])
        assert set(stood.values()) == {1}
        for id in untick:
            assert stood[id, "Knee"] == 1
            entry = session.get_one(digest.DigestEntry, crowd.message(golf, id).id)
            assert (entry.reason is Reason.TOPIC_LEFT) is not bool(stood[id, "Golf"])
        waits = set(session.scalars(select(digest.DigestEntry.subscriber_id).where(*digest.WAITING)))
        for id in pause:
            assert (id in waits) is not bool(stood[id, "Golf"])
        for id in leave:
            entry = session.get_one(digest.DigestEntry, crowd.message(knee, id).id)
            assert (entry.reason is not None) is not bool(stood[id, "Knee"])


def test_cancelling_beside_the_tick_and_the_claim(crowd: Week, runtime: Runtime) -> None:
    golf = crowd.launched("Golf")
    runtime.delivery.run(Lane.BULK)
    crowd.clock.forward(FRIDAY - crowd.clock.now())
    crowd.sent.envelopes.clear()

    def cancel() -> None:
        with runtime.database.transaction() as session:
            session.get_one(Campaign, golf, with_for_update=True).cancel(session, crowd.clock.now())

    def turn() -> None:
        crowd.tick()
        while runtime.delivery.run(Lane.BULK):
            pass

    _at_once(cancel, turn, turn)
    crowd.tick()
    crowd.deliver()
    assert set(_mails(crowd).values()) <= {1}
    waiting, queued = crowd.entry_count()
    assert waiting == 0 and queued == len(_mails(crowd))
