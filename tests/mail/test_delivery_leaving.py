"""Somebody leaves while a worker has their mail in hand: nothing more goes out."""

import time
from collections.abc import Callable

import pytest

from newsletter import articles, journey
from newsletter.mail import ledger
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult
from newsletter.smtp.memory import accepted
from newsletter.subscribers import Stream, Subscriber

People = Callable[..., int]


def _queue(runtime: Runtime, id: int) -> int:
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        words = articles.write(session, now, title="Golf", subject="Golf", body="x").current
        to = session.get_one(Subscriber, id)
        context = {"guide": "exercise-at-50"}
        message, _ = ledger.queue(session, to, Stream.STEP, "step:1:1", now, revision=words, context=context)
        return message.id


def _leave(runtime: Runtime, id: int) -> None:
    with runtime.database.transaction() as session:
        journey.unsubscribe(session, session.get_one(Subscriber, id), runtime.clock.now(), goodbye=False)


def test_a_quarter_of_a_second_after_somebody_left_nothing_goes_to_them(
    runtime: Runtime, person: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person(f"p{n}@example.com") for n in range(3)]
    ids = [_queue(runtime, one) for one in people]
    passed = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: passed[0])

    def slow(one: Envelope) -> SmtpResult:
        if one.key == ids[0]:
            _leave(runtime, people[2])
        passed[0] += 0.15  # two of these, and what was marked must be asked about again
        return accepted(one)

    runtime.transport = kept = SentList(slow)
    runtime.delivery.run(Lane.BULK)
    assert [one.key for one in kept.envelopes] == ids[:2]
