"""A batch under throttle rules: what may go goes, what may not stays as it is, and nobody is asked again in vain."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import articles, feedback
from newsletter.clock import FixedClock
from newsletter.mail import ledger, recovery
from newsletter.mail.ledger import Attempt, Dispatch, Lane, Message, State
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.mail.ledger.queue import fill
from newsletter.mail.throttle import Unlimited
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, Journal, SentList, SmtpResult, Stage
from newsletter.subscribers import Segment, Stream, Subscriber
from newsletter.throttle.budget import CountedBudget, Grant

People = Callable[..., int]


@dataclass
class Purse:
    """A throttle that holds so many messages for each domain; a domain it does not name has no limit."""

    left: dict[str, int]
    relay: int | None = None
    shut: bool = False
    wait: float = 40.0
    asked: int = 0
    changed: bool = False
    slowed: list[str] = field(default_factory=list)

    def is_active(self) -> bool:
        return True

    def budget(self, lane: Lane) -> CountedBudget:
        return CountedBudget(self, lane)

    def is_shut(self, lane: Lane) -> bool:
        return self.shut

    def relays(self) -> Collection[str]:
        return ["memory:0"] if self.relay is not None else []

    def take(self, lane: Lane, wanted: Mapping[str, int]) -> Grant:
        self.asked += 1
        granted = {domain: min(count, self.left.get(domain, count)) for domain, count in wanted.items()}
        for domain in self.left.keys() & granted.keys():
            self.left[domain] -= granted[domain]
        waits = {domain: self.wait for domain in wanted if granted[domain] < wanted[domain]}
        return Grant(granted, waits, {"memory:0": self.relay} if self.relay is not None else {})

    def give_back(self, grant: Grant, domains: Mapping[str, int], relays: Mapping[str, int]) -> None:
        for domain, count in domains.items():
            self.left[domain] = self.left.get(domain, 0) + count
        self.relay = (self.relay or 0) + sum(relays.values())

    def is_outdated(self, grant: Grant) -> bool:
        return self.changed

    def slow_down(self, domain: str, pace: float) -> None:
        self.slowed.append(domain)


@pytest.fixture
def batch(runtime: Runtime, person: People) -> int:
    """A campaign to five readers at each of two domains, in turns; one batch."""
    now = runtime.clock.now()
    last = [person(f"p{n}@{domain}") for n in range(5) for domain in ("strict.example", "easy.example")][-1]
    with runtime.database.transaction() as session:
        words = articles.write(session, now, title="Golf", subject="Golf", body="Turn both ways.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=now, fill_until=last)
        session.add(made)
        session.flush()
        fill(session, made, Segment().condition(), now, 100)
        return made.id


def _states(runtime: Runtime) -> Counter[State]:
    with runtime.database.reading() as session:
        return Counter(session.scalars(select(Message.state)))


def _the_batch(runtime: Runtime) -> Batch:
    with runtime.database.reading() as session:
        return session.scalars(select(Batch)).one()


def test_one_domain_used_up_does_not_hold_up_the_others_and_its_readers_wait(
    runtime: Runtime, sent: SentList, batch: int, clock: FixedClock
) -> None:
    runtime.throttle = Purse({"strict.example": 2})
    assert runtime.delivery.run(Lane.BULK) == 10
    assert Counter(one.recipient.partition("@")[2] for one in sent.envelopes) == {
        "strict.example": 2,
        "easy.example": 5,
    }
    assert _states(runtime) == {State.SENT: 7, State.READY: 3}
    left = _the_batch(runtime)
    assert left.state is BatchState.OPEN
    assert left.not_before and timedelta(seconds=40) <= left.not_before - clock.now() <= timedelta(seconds=50)
    assert runtime.delivery.run(Lane.BULK) == 0  # nobody asks before there is something to have


def test_when_budget_is_there_the_rest_goes_and_nobody_gets_two(
    runtime: Runtime, sent: SentList, batch: int, clock: FixedClock
) -> None:
    for budget in (2, 0, 1, 5):
        runtime.throttle = Purse({"strict.example": budget})
        runtime.delivery.run(Lane.BULK)
        clock.forward(timedelta(seconds=51))
    assert _states(runtime) == {State.SENT: 10}
    assert set(Counter(one.recipient for one in sent.envelopes).values()) == {1}
    assert _the_batch(runtime).state is BatchState.DONE


def test_a_limit_changed_while_a_batch_is_under_way_does_not_keep_the_rest_waiting(
    runtime: Runtime, batch: int, clock: FixedClock
) -> None:
    runtime.throttle = Purse({"strict.example": 2}, wait=900.0, changed=True)
    runtime.delivery.run(Lane.BULK)
    left = _the_batch(runtime).not_before
    assert left and left - clock.now() <= timedelta(seconds=2)


def test_a_lane_that_is_shut_claims_nothing(runtime: Runtime, sent: SentList, batch: int) -> None:
    runtime.throttle = Purse({}, shut=True)
    assert runtime.delivery.run(Lane.BULK) == 0
    assert _the_batch(runtime).state is BatchState.OPEN and not sent.envelopes


def test_messages_that_wait_by_themselves_are_offered_again_later(
    runtime: Runtime, person: People, sent: SentList, clock: FixedClock
) -> None:
    people = [person(f"p{n}@strict.example") for n in range(3)]
    with runtime.database.transaction() as session:
        now = clock.now()
        words = articles.write(session, now, title="Golf", subject="Golf", body="x").current
        for one in people:
            to = session.get_one(Subscriber, one)
            ledger.queue(session, to, Stream.STEP, "step:1:1", now, revision=words, context={"guide": "exercise-at-50"})
    purse = runtime.throttle = Purse({"strict.example": 1})
    assert runtime.delivery.run(Lane.BULK) == 3
    assert _states(runtime) == {State.SENT: 1, State.READY: 2}
    assert runtime.delivery.run(Lane.BULK) == 0
    purse.left["strict.example"] = 9
    clock.forward(timedelta(seconds=41))
    assert runtime.delivery.run(Lane.BULK) == 2
    assert (_states(runtime), len(sent.envelopes)) == (Counter({State.SENT: 3}), 3)


def test_the_budget_of_what_no_relay_took_comes_back(runtime: Runtime, batch: int) -> None:
    runtime.transport = SentList(lambda one: SmtpResult(one.key, Stage.RELAY, 0, "", "refused", "mx:25", "connect"))
    purse = runtime.throttle = Purse({"strict.example": 3}, relay=10)
    runtime.delivery.run(Lane.BULK)
    assert purse.left["strict.example"] == 3
    assert _states(runtime) == {State.READY: 10}


def test_the_budget_of_a_batch_that_breaks_off_comes_back(runtime: Runtime, batch: int) -> None:
    def full(one: Envelope) -> SmtpResult:
        raise OSError(28, "No space left for the journal")

    runtime.transport = SentList(full)
    purse = runtime.throttle = Purse({"strict.example": 3})
    with pytest.raises(OSError, match="No space left"):
        runtime.delivery.run(Lane.BULK)
    assert purse.left["strict.example"] == 2  # one was pulled, and may have left


def test_a_receiver_that_says_4_7_is_slowed_down_once_a_batch(runtime: Runtime, batch: int) -> None:
    def answer(one: Envelope) -> SmtpResult:
        if one.recipient.endswith("strict.example"):
            return SmtpResult(one.key, Stage.REJECTED, 421, "4.7.28", "4.7.28 too much mail from you", "mx:25", "RCPT")
        return SmtpResult(one.key, Stage.REJECTED, 451, "4.3.0", "4.3.0 later", "mx:25", "RCPT")

    runtime.transport = SentList(answer)
    purse = runtime.throttle = Purse({})
    runtime.delivery.run(Lane.BULK)
    assert purse.slowed == ["strict.example"]
    assert _states(runtime) == {State.DEFERRED: 10}


class Cut:
    """A transport whose host is cut off with everything it pulled on the wire."""

    def send(
        self, envelopes: Iterable[Envelope], journal: Journal, *, stop: Callable[[], bool] = lambda: False,
        quotas: dict[str, int] | None = None,
        urgent: bool = False,
    ) -> Iterable[list[SmtpResult]]:  # fmt: skip
        self.pulled = [one.key for one in envelopes]
        raise ConnectionAbortedError
        yield []

    def refusals(self) -> tuple[()]:
        return ()

    def close(self) -> None:
        """Nothing is open."""


def test_when_a_host_never_returns_what_a_limit_kept_back_is_still_to_send(
    runtime: Runtime, sent: SentList, batch: int, clock: FixedClock
) -> None:
    runtime.throttle, runtime.transport = Purse({"strict.example": 2}), Cut()
    with pytest.raises(ConnectionAbortedError):
        runtime.delivery.run(Lane.BULK)
    for journal in runtime.journals.iterdir():
        journal.unlink()
    clock.forward(timedelta(minutes=2))
    assert recovery.recover(runtime.journals, runtime.database.transaction, clock.now(), feedback.suppress) == (0, 7)
    assert _states(runtime) == {State.UNCERTAIN: 7, State.READY: 3}
    runtime.throttle, runtime.transport = Unlimited(), sent
    assert runtime.delivery.run(Lane.BULK) == 3
    with runtime.database.reading() as session:
        assert len(session.scalars(select(Attempt.id)).all()) == 7


def test_without_limits_nobody_is_asked_for_budget(
    runtime: Runtime, batch: int, sent: SentList, monkeypatch: pytest.MonkeyPatch
) -> None:
    purse = Purse({})
    monkeypatch.setattr(purse, "is_active", lambda: False)
    runtime.throttle = purse
    assert (runtime.delivery.run(Lane.BULK), purse.asked, len(sent.envelopes)) == (10, 0, 10)
