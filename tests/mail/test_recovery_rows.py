"""Recovery of single messages: guides, confirmations, series mail, second tries."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter import articles
from newsletter.clock import FixedClock
from newsletter.mail import ledger
from newsletter.mail.ledger import Attempt, Lane, Message, State
from newsletter.mail.ledger.lost import recover_rows, stop_requeueing
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.subscribers import Status, Stream, Subscriber
from tests.mail.dying import KilledError, LosingOne, counts, die, replay

People = Callable[..., int]


def _given_up_by_others(runtime: Runtime, clock: FixedClock) -> int:
    """What another host does while this one is cut off; how many it calls uncertain."""
    clock.forward(timedelta(minutes=2))
    with runtime.database.transaction() as session:
        return recover_rows(session, clock.now())[1]


def _queue_guides(runtime: Runtime, person: People, clock: FixedClock) -> None:
    for n in range(6):
        id = person(f"p{n}@example.com")
        with runtime.database.transaction() as session:
            context = {
                "guide": {"title": "T", "slug": "exercise-at-50", "pages": 45, "attached": False},
                "series": False,
            }
            to = session.get_one(Subscriber, id)
            ledger.queue(session, to, Stream.GUIDE, "guide:exercise-at-50:1", clock.now(), context=context)


def test_single_messages_too_are_exact(runtime: Runtime, person: People, clock: FixedClock) -> None:
    _queue_guides(runtime, person, clock)
    dead = die(runtime, Lane.TRANSACTIONAL, accepted=2, flying=1)
    assert replay(runtime) == (2, 1)
    assert counts(runtime) == {State.SENT: 2, State.DEFERRED: 1, State.READY: 3}
    runtime.transport = living = SentList()
    runtime.delivery.run(Lane.TRANSACTIONAL)
    assert counts(runtime) == {State.SENT: 5, State.DEFERRED: 1}
    clock.forward(timedelta(minutes=16))
    runtime.delivery.run(Lane.TRANSACTIONAL)
    copies = dead.copies + Counter(one.key for one in living.envelopes)
    assert sorted(copies.values()) == [1, 1, 1, 1, 1, 2]  # a person waits for a guide: once more, same Message-ID


def test_what_was_on_record_before_the_worker_died_is_not_judged_again(
    runtime: Runtime, person: People, clock: FixedClock
) -> None:
    _queue_guides(runtime, person, clock)
    runtime.transport = LosingOne()
    with pytest.raises(KilledError):
        runtime.delivery.run(Lane.TRANSACTIONAL)
    look = select(Message.state, Message.attempts, Message.due_at).order_by(Message.id).limit(2)
    with runtime.database.reading() as session:
        before = session.execute(look).all()
    assert [(state, attempts) for state, attempts, _ in before] == [(State.DEFERRED, 1), (State.DEFERRED, 1)]
    replay(runtime)
    with runtime.database.reading() as session:
        assert session.execute(look).all() == before
        assert session.scalar(select(func.count(Attempt.id))) == 2


def test_a_host_that_was_cut_off_sends_single_messages_that_never_left(
    runtime: Runtime, person: People, clock: FixedClock
) -> None:
    with runtime.database.transaction() as session:
        words = articles.write(session, clock.now(), title="Golf", subject="Golf", body="Turn.").current
    for n in range(15):
        id = person(f"p{n}@example.com")
        with runtime.database.transaction() as session:
            to, now = session.get_one(Subscriber, id), clock.now()
            ledger.queue(session, to, Stream.STEP, "step:1:1", now, revision=words, context={"guide": "exercise-at-50"})
    dead = die(runtime, Lane.BULK, accepted=2, flying=1)
    clock.forward(timedelta(minutes=2))
    with runtime.database.transaction() as session:
        _, lost = recover_rows(session, clock.now())  # by another host
    assert lost == 15
    replay(runtime)
    assert counts(runtime) == {State.SENT: 2, State.UNCERTAIN: 1, State.DEFERRED: 12}
    runtime.transport = living = SentList()
    runtime.delivery.run(Lane.BULK)
    assert counts(runtime) == {State.SENT: 14, State.UNCERTAIN: 1}
    assert not {one.key for one in living.envelopes} & dead.copies.keys()


def _lost_after(one: Envelope) -> SmtpResult:
    return SmtpResult(one.key, Stage.LOST_AFTER, 0, "", "gone", "mx:25", ".")


def test_a_guide_keeps_its_second_try_when_its_host_comes_back_late(
    runtime: Runtime, person: People, clock: FixedClock
) -> None:
    _queue_guides(runtime, person, clock)
    dead = die(runtime, Lane.TRANSACTIONAL, accepted=2, flying=1)
    assert _given_up_by_others(runtime, clock) == 6
    replay(runtime)
    assert counts(runtime) == {State.SENT: 2, State.DEFERRED: 4}
    with runtime.database.reading() as session:  # three of them never left: that was no try
        waiting = select(Message.attempts).where(Message.state == State.DEFERRED)
        assert sorted(session.scalars(waiting)) == [0, 0, 0, 1]
        assert session.scalar(select(func.count(Attempt.id))) == 3
    runtime.transport = SentList(_lost_after)
    runtime.delivery.run(Lane.TRANSACTIONAL)
    assert counts(runtime) == {State.SENT: 2, State.DEFERRED: 4}  # their first loss, so there is a second try
    clock.forward(timedelta(minutes=20))
    runtime.transport = living = SentList()
    runtime.delivery.run(Lane.TRANSACTIONAL)
    assert counts(runtime) == {State.SENT: 6}
    assert len({one.key for one in living.envelopes} & dead.copies.keys()) == 1


def test_who_is_a_reader_again_is_not_bounced_by_an_old_journal(
    runtime: Runtime, person: People, clock: FixedClock
) -> None:
    _queue_guides(runtime, person, clock)

    class Refusing(LosingOne):
        answers = ((Stage.REJECTED, 550, "5.1.1", "5.1.1 no such user", "RCPT"),)

    runtime.transport = Refusing()
    with pytest.raises(KilledError):
        runtime.delivery.run(Lane.TRANSACTIONAL)
    with runtime.database.transaction() as session:
        gone = session.scalars(select(Subscriber).where(Subscriber.status == Status.BOUNCED)).one()
        gone.status = Status.CONFIRMED
    replay(runtime)
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber).where(Subscriber.status == Status.BOUNCED)).all() == []


def _queue_steps(runtime: Runtime, person: People, count: int) -> list[int]:
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        words = articles.write(session, now, title="Golf", subject="Golf", body="Turn.").current
    ids = []
    for n in range(count):
        id = person(f"p{n}@example.com")
        with runtime.database.transaction() as session:
            to = session.get_one(Subscriber, id)
            context = {"guide": "exercise-at-50"}
            ids.append(ledger.queue(session, to, Stream.STEP, "step:1:1", now, revision=words, context=context)[0].id)
    return ids


def test_a_series_mail_that_never_left_rests_once_the_series_is_stopped(
    runtime: Runtime, person: People, clock: FixedClock
) -> None:
    ids = _queue_steps(runtime, person, 5)
    die(runtime, Lane.BULK, accepted=1, flying=1)
    assert _given_up_by_others(runtime, clock) == 5
    with runtime.database.transaction() as session:
        stop_requeueing(session, Message.id == ids[4])
    replay(runtime)
    assert counts(runtime) == {State.SENT: 1, State.UNCERTAIN: 2, State.DEFERRED: 2}


def test_a_single_message_keeps_the_words_of_its_first_try(runtime: Runtime, person: People, clock: FixedClock) -> None:
    ids = _queue_steps(runtime, person, 3)
    with runtime.database.reading() as session:
        before = session.scalars(select(Message.revision_id).order_by(Message.id)).all()
    die(runtime, Lane.BULK, accepted=0, flying=1)
    assert _given_up_by_others(runtime, clock) == len(ids)
    replay(runtime)
    with runtime.database.reading() as session:
        assert session.scalars(select(Message.revision_id).order_by(Message.id)).all() == before
