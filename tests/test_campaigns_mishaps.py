"""Campaigns that go wrong: refused, called off in full flight, with people who vanish or a database that stammers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.orm import Session

from newsletter import accounts, articles, brand, campaigns, feedback
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.mail import recovery
from newsletter.mail.breaker import RUN
from newsletter.mail.ledger import Attempt, Dispatch, Hold, Lane, Message, State
from newsletter.mail.ledger.again import send_again
from newsletter.mail.ledger.counts import recount
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.smtp.memory import accepted
from newsletter.subscribers import Stream, Subscriber
from tests.fault_smtp import Fault, FaultServer
from tests.smtp.sending import transport

People = Callable[..., int]
Answer = Callable[[Envelope], SmtpResult]


def _refused(code: int, enhanced: str, words: str, at: str = "RCPT") -> Answer:
    return lambda one: SmtpResult(one.key, Stage.REJECTED, code, enhanced, f"{enhanced} {words}".strip(), "mx:25", at)


LATER = _refused(451, "4.7.1", "greylisted")


@pytest.fixture
def golf(runtime: Runtime, person: People) -> Callable[[int], int]:
    """A campaign to so many people, launched and written."""

    def made(people: int) -> int:
        for n in range(people):
            person(f"p{n}@example.com")
        with runtime.database.transaction() as session:
            now = runtime.clock.now()
            article = articles.write(session, now, title="Golf", subject="Golf", body="Turn both ways.")
            campaign = Campaign(article=article, created_at=now)
            session.add(campaign)
            campaign.schedule(now, brand.current(session))
            session.flush()
            id = campaign.id
        _tick(runtime)
        return id

    return made


def _tick(runtime: Runtime) -> None:
    """What beat does with campaigns."""
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, now)
    for step in (campaigns.fill_next, campaigns.cancel_more):
        more = True
        while more:
            with runtime.database.transaction() as session:
                more = step(session, now)
    recovery.recover(runtime.journals, runtime.database.transaction, now, feedback.suppress)
    with runtime.database.transaction() as session:
        campaigns.cancel_stragglers(session, now)
        campaigns.finish_done(session, now)
        recount(session)


def _deliver(runtime: Runtime, answer: Answer) -> SentList:
    runtime.transport = sent = SentList(answer)
    runtime.delivery.run(Lane.BULK)
    return sent


def _seen(runtime: Runtime, id: int) -> tuple[CampaignState, dict[State, int]]:
    with runtime.database.reading() as session:
        campaign = session.get_one(Campaign, id)
        return campaign.state, {state: count for state, count in campaign.counts(session).items() if count}


def test_what_was_on_the_wire_when_it_was_called_off_is_not_tried_again(
    golf: Callable[[int], int], runtime: Runtime
) -> None:
    id = golf(8)
    asked: list[int] = []

    def cancelled_meanwhile(one: Envelope) -> SmtpResult:
        asked.append(one.key)
        if len(asked) == 1:
            with runtime.database.transaction() as session:
                session.get_one(Campaign, id).cancel(session, runtime.clock.now())
        return LATER(one)

    _deliver(runtime, cancelled_meanwhile)
    assert asked
    _tick(runtime)
    assert _seen(runtime, id) == (CampaignState.CANCELLED, {State.CANCELLED: 8})


def test_who_is_put_off_at_the_first_try_is_not_given_up_however_late_that_was(
    golf: Callable[[int], int], runtime: Runtime, clock: FixedClock
) -> None:
    id = golf(5)
    with runtime.database.transaction() as session:
        session.get_one(Campaign, id).pause()
    clock.forward(timedelta(days=9))
    with runtime.database.transaction() as session:
        session.get_one(Campaign, id).resume()
    _deliver(runtime, LATER)
    _tick(runtime)
    assert _seen(runtime, id) == (CampaignState.SENDING, {State.DEFERRED: 5})
    clock.forward(timedelta(hours=71))
    _deliver(runtime, LATER)
    assert _seen(runtime, id)[1] == {State.DEFERRED: 5}
    clock.forward(timedelta(hours=5))
    _deliver(runtime, LATER)
    _tick(runtime)
    assert _seen(runtime, id) == (CampaignState.SENT, {State.FAILED: 5})


def test_what_is_sent_again_by_hand_has_all_its_patience_again(
    golf: Callable[[int], int], runtime: Runtime, clock: FixedClock
) -> None:
    golf(1)
    _deliver(runtime, LATER)
    clock.forward(timedelta(days=4))
    _deliver(runtime, LATER)
    with runtime.database.transaction() as session:
        message = session.scalars(select(Message)).one()
        assert message.state is State.FAILED
        send_again(session, message, clock.now())
    for _ in range(3):
        _deliver(runtime, LATER)
        clock.forward(timedelta(hours=5))
    with runtime.database.reading() as session:
        assert session.scalars(select(Message.state)).one() is State.DEFERRED
        assert session.scalar(select(func.count(Attempt.id))) == 5


@pytest.mark.parametrize(
    "answer",
    [_refused(550, "", "relay not permitted"), _refused(550, "5.1.1", "User unknown")],
    ids=["relay", "unknown"],
)
def test_a_relay_that_says_no_to_everybody_does_not_use_up_the_list(
    answer: Answer, golf: Callable[[int], int], runtime: Runtime
) -> None:
    id = golf(120)
    while _deliver(runtime, answer).envelopes:
        pass
    state, counts = _seen(runtime, id)
    assert state is CampaignState.PAUSED
    assert counts[State.FAILED] < 3 * RUN
    assert counts[State.READY] + counts[State.FAILED] == 120


def test_454_to_the_recipient_is_an_attempt_with_an_end(
    golf: Callable[[int], int], runtime: Runtime, clock: FixedClock
) -> None:
    id = golf(3)
    with FaultServer([Fault("rcpt", "reply", nth=0, text="454 4.7.1 Relay access denied")]) as server:
        runtime.transport = sending = transport(server, "connections=1")
        for _ in range(30):
            runtime.delivery.run(Lane.BULK)
            clock.forward(timedelta(hours=5))
        sending.close()
        asked = sum(command.startswith("RCPT") for command in server.commands)
    _tick(runtime)
    assert _seen(runtime, id) == (CampaignState.SENT, {State.FAILED: 3})
    assert asked == 3 * 16  # each five hours later than the one before, for 72 hours


def test_somebody_who_is_erased_while_a_mail_is_on_the_wire_costs_nobody_else(
    golf: Callable[[int], int], runtime: Runtime
) -> None:
    id = golf(6)

    def erased(one: Envelope) -> SmtpResult:
        if not one.recipient.startswith("p3@"):
            return accepted(one)
        with runtime.database.transaction() as session:
            session.delete(session.scalars(select(Subscriber).where(Subscriber.email == "p3@example.com")).one())
        return LATER(one)

    _deliver(runtime, erased)
    _tick(runtime)
    assert _seen(runtime, id) == (CampaignState.SENT, {State.SENT: 5})
    assert list(runtime.journals.iterdir()) == []


@pytest.mark.parametrize("problem", [OperationalError, InternalError])
@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
def test_outcomes_that_have_to_be_written_twice_count_once(
    problem: type[OperationalError | InternalError], commits: bool, golf: Callable[[int], int], runtime: Runtime
) -> None:
    id = golf(RUN - 1)
    transactions = 0

    @contextmanager
    def stammering() -> Iterator[Session]:
        nonlocal transactions
        transactions += 1
        answered = transactions != 2  # the first is the claim, this one the outcomes
        with runtime.database.transaction() as session:
            yield session
            if not answered and not commits:
                raise problem("COMMIT", {}, Exception("the server closed the connection"))
        if not answered:
            raise problem("COMMIT", {}, Exception("the server closed the connection"))

    runtime.transport = SentList(_refused(554, "5.7.1", "no"))
    replace(runtime.delivery, transaction=stammering).run(Lane.BULK)
    assert transactions >= 3  # what takes longer, on a busy machine, is written down in between too
    _tick(runtime)
    state, counts = _seen(runtime, id)
    assert state is CampaignState.SENT  # one refusal fewer than would trip the breaker
    assert counts == {State.FAILED: RUN - 1}
    with runtime.database.reading() as session:
        assert session.scalars(select(Dispatch.hold)).one() is Hold.OPEN
        assert session.scalar(select(func.count(Attempt.id))) == RUN - 1
        assert session.scalar(select(func.max(Message.attempts))) == 1


def test_the_breaker_does_not_bring_back_what_is_called_off(golf: Callable[[int], int], runtime: Runtime) -> None:
    id = golf(RUN + 5)
    with runtime.database.transaction() as session:
        accounts.create(session, "owner@example.org", "a good password", runtime.clock.now())
    asked: list[int] = []

    def cancelled_meanwhile(one: Envelope) -> SmtpResult:
        asked.append(one.key)
        if len(asked) == RUN - 1:
            with runtime.database.transaction() as session:
                session.get_one(Campaign, id).cancel(session, runtime.clock.now())
        return _refused(554, "5.7.1", "no")(one)

    _deliver(runtime, cancelled_meanwhile)
    with runtime.database.reading() as session:
        assert session.scalars(select(Dispatch.hold)).one() is Hold.CANCELLED
        assert session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).all() == []
    _tick(runtime)
    state, counts = _seen(runtime, id)
    assert state is CampaignState.CANCELLED
    assert set(counts) == {State.FAILED, State.CANCELLED}
