"""Delivery: from due messages to outcomes on their rows, with a transport that answers as each test wants."""

import time
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from newsletter import articles, brand, journey
from newsletter.clock import FixedClock
from newsletter.links import Signer
from newsletter.mail import ledger
from newsletter.mail.ledger import Lane, Message, State
from newsletter.mail.ledger.lost import recover_rows
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.smtp.memory import accepted
from newsletter.subscribers import Status, Stream, Subscriber

People = Callable[..., int]
FULL = (552, "5.2.2", "5.2.2 mailbox full")


def _rejected(code: int, enhanced: str, text: str) -> Callable[[Envelope], SmtpResult]:
    return lambda one: SmtpResult(one.key, Stage.REJECTED, code, enhanced, text, "mx.example:25", "RCPT")


def _lost_after(one: Envelope) -> SmtpResult:
    return SmtpResult(one.key, Stage.LOST_AFTER, 0, "", "connection lost", "mx.example:25", ".")


def _answer(runtime: Runtime, answer: Callable[[Envelope], SmtpResult]) -> SentList:
    runtime.transport = SentList(answer)
    return runtime.transport


def _queue(runtime: Runtime, id: int, stream: Stream = Stream.STEP, key: str = "step:1:1", body: str = "x") -> int:
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        words = articles.write(session, now, title="Golf", subject="Golf", body=body).current
        to = session.get_one(Subscriber, id)
        context = {"guide": "exercise-at-50"} if stream is Stream.STEP else {}
        message, _ = ledger.queue(session, to, stream, key, now, revision=words, context=context)
        return message.id


def _row(runtime: Runtime, id: int) -> Message:
    with runtime.database.reading() as session:
        return session.get_one(Message, id)


def _status(runtime: Runtime, id: int) -> Status:
    with runtime.database.reading() as session:
        return session.get_one(Subscriber, id).status


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_what_is_due_is_sent_and_said_on_its_row(
    runtime: Runtime, person: People, sent: SentList, inbox: Callable[[str], list[EmailMessage]]
) -> None:
    id = _queue(runtime, person("jane@example.com", "Jane"), body="{{ greeting }}, turn.")
    assert runtime.delivery.run(Lane.BULK) == 1
    (envelope,) = sent.envelopes
    assert (envelope.key, envelope.recipient) == (id, "jane@example.com")
    assert envelope.sender == runtime.renderer.return_path(id)
    assert "Hello Jane, turn." in _text(inbox("jane@example.com")[0])
    assert (_row(runtime, id).state, _row(runtime, id).relay) == (State.SENT, "memory:0")
    assert runtime.delivery.run(Lane.BULK) == 0


def test_a_refused_address_is_written_to_no_more(runtime: Runtime, person: People) -> None:
    _answer(runtime, _rejected(550, "5.1.1", "5.1.1 no such user"))
    jane = person("jane@example.com")
    refused = _queue(runtime, jane)
    runtime.delivery.run(Lane.BULK)
    assert (_row(runtime, refused).state, _row(runtime, refused).reply) == (State.FAILED, "5.1.1 no such user")
    assert _status(runtime, jane) is Status.BOUNCED
    later = _queue(runtime, jane, key="step:1:2")
    runtime.delivery.run(Lane.BULK)
    assert _row(runtime, later).state is State.CANCELLED


def test_a_policy_refusal_suppresses_nobody(runtime: Runtime, person: People) -> None:
    _answer(runtime, _rejected(550, "5.7.1", "5.7.1 looks like spam"))
    jane = person("jane@example.com")
    id = _queue(runtime, jane)
    runtime.delivery.run(Lane.BULK)
    assert (_row(runtime, id).state, _status(runtime, jane)) == (State.FAILED, Status.CONFIRMED)


def _fill_mailbox(runtime: Runtime, clock: FixedClock, jane: int, days: list[int]) -> Status:
    for number, day in enumerate(days):
        clock.forward(timedelta(days=day))
        _queue(runtime, jane, key=f"step:1:{number}")
        runtime.delivery.run(Lane.BULK)
    return _status(runtime, jane)


@pytest.mark.parametrize(
    ("days", "status"),
    [
        ([0, 7], Status.CONFIRMED),
        ([0, 1, 1], Status.CONFIRMED),
        ([0, 7, 7], Status.BOUNCED),
        ([0, 1, 1, 12], Status.BOUNCED),
    ],
)
@pytest.mark.parametrize("full", [FULL, (550, "5.2.2", "5.2.2 over quota")])
def test_a_mailbox_full_three_times_in_14_days_or_more_is_given_up(
    days: list[int], status: Status, full: tuple[int, str, str], runtime: Runtime, person: People, clock: FixedClock
) -> None:
    _answer(runtime, _rejected(*full))
    assert _fill_mailbox(runtime, clock, person("jane@example.com"), days) is status


def test_other_refusals_do_not_count_as_a_full_mailbox(runtime: Runtime, person: People, clock: FixedClock) -> None:
    _answer(runtime, _rejected(552, "5.3.4", "5.3.4 message too big"))
    jane = person("jane@example.com")
    _fill_mailbox(runtime, clock, jane, [0, 7])
    _answer(runtime, _rejected(*FULL))
    assert _fill_mailbox(runtime, clock, jane, [7]) is Status.CONFIRMED


def test_a_deferred_message_goes_when_its_time_comes(runtime: Runtime, person: People, clock: FixedClock) -> None:
    _answer(runtime, _rejected(451, "4.7.1", "4.7.1 greylisted"))
    id = _queue(runtime, person("jane@example.com"))
    runtime.delivery.run(Lane.BULK)
    kept = _answer(runtime, SentList()._answer)
    assert runtime.delivery.run(Lane.BULK) == 0
    clock.forward(timedelta(minutes=10))
    assert runtime.delivery.run(Lane.BULK) == 1
    assert (_row(runtime, id).state, _row(runtime, id).attempts, len(kept.envelopes)) == (State.SENT, 2, 1)


def test_no_relay_is_no_attempt(runtime: Runtime, person: People, clock: FixedClock) -> None:
    _answer(
        runtime, lambda one: SmtpResult(one.key, Stage.RELAY, 0, "", "connection refused", "mx.example:25", "connect")
    )
    id = _queue(runtime, person("jane@example.com"))
    runtime.delivery.run(Lane.BULK)
    assert (_row(runtime, id).state, _row(runtime, id).attempts) == (State.READY, 0)
    assert _row(runtime, id).due_at == clock.now() + timedelta(seconds=5)


def test_a_guide_nobody_knows_the_end_of_is_sent_once_more_and_then_left(
    runtime: Runtime, person: People, clock: FixedClock
) -> None:
    lost = _answer(runtime, _lost_after)
    jane = person("jane@example.com")
    with runtime.database.transaction() as session:
        context = {"consent": 1, "until": 1, "days": 30, "guide": None, "newsletter": True}
        to = session.get_one(Subscriber, jane)
        message, _ = ledger.queue(session, to, Stream.CONFIRM, "confirm:1", clock.now(), context=context)
    for _ in range(4):
        runtime.delivery.run(Lane.TRANSACTIONAL)
        clock.forward(timedelta(minutes=15))
    assert _row(runtime, message.id).state is State.UNCERTAIN
    first, second = lost.envelopes
    assert first.sender == second.sender
    assert _message_id(first) == _message_id(second)


def _message_id(envelope: Envelope) -> bytes:
    return next(line for line in envelope.data.split(b"\r\n") if line.startswith(b"Message-ID:"))


def test_bulk_mail_nobody_knows_the_end_of_is_never_sent_again(
    runtime: Runtime, person: People, clock: FixedClock
) -> None:
    lost = _answer(runtime, _lost_after)
    id = _queue(runtime, person("jane@example.com"))
    for _ in range(3):
        runtime.delivery.run(Lane.BULK)
        clock.forward(timedelta(days=1))
    assert (_row(runtime, id).state, len(lost.envelopes)) == (State.UNCERTAIN, 1)


def test_a_text_that_cannot_be_filled_in_stops_only_its_own_mail(
    runtime: Runtime, person: People, sent: SentList
) -> None:
    bad = _queue(runtime, person("alice@example.com"), body="{{ nickname }}")
    good = _queue(runtime, person("bob@example.com"))
    assert runtime.delivery.run(Lane.BULK) == 2
    assert "nickname" in (_row(runtime, bad).reply or "")
    assert (_row(runtime, bad).state, _row(runtime, good).state) == (State.DEFERRED, State.SENT)
    assert [one.recipient for one in sent.envelopes] == ["bob@example.com"]


def test_who_leaves_while_a_batch_goes_out_gets_nothing_more(runtime: Runtime, person: People) -> None:
    people = [person(f"p{n}@example.com") for n in range(45)]
    ids = [_queue(runtime, one) for one in people]

    def leave(one: Envelope) -> SmtpResult:
        if one.key == ids[0]:
            with runtime.database.transaction() as session:
                last = session.get_one(Subscriber, people[-1])
                journey.unsubscribe(session, last, runtime.clock.now(), goodbye=False)
        return SmtpResult(one.key, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 ok", "mx.example:25", ".")

    kept = _answer(runtime, leave)
    runtime.delivery.run(Lane.BULK)
    assert [one.key for one in kept.envelopes] == ids[:-1]
    assert _row(runtime, ids[-1]).state is State.CANCELLED


def test_single_messages_go_on_however_slow_the_relay_is(
    runtime: Runtime, person: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [_queue(runtime, person(f"p{n}@example.com")) for n in range(3)]
    passed = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: passed[0])

    def slow(one: Envelope) -> SmtpResult:
        passed[0] += 1.0  # longer than a `begin` is believed
        return accepted(one)

    kept = _answer(runtime, slow)
    assert runtime.delivery.run(Lane.BULK) == 3
    assert [one.key for one in kept.envelopes] == ids


def test_a_worker_told_to_stop_gives_back_what_it_did_not_begin(runtime: Runtime, person: People) -> None:
    ids = [_queue(runtime, person(f"p{n}@example.com")) for n in range(3)]
    assert runtime.delivery.run(Lane.BULK, stop=lambda: True) == 3
    assert {_row(runtime, id).state for id in ids} == {State.READY}
    assert runtime.delivery.run(Lane.BULK) == 3
    with runtime.database.reading() as session:
        assert set(session.scalars(select(Message.state))) == {State.SENT}


def test_a_worker_that_dies_on_the_wire_loses_nothing_and_repeats_nothing(
    runtime: Runtime, person: People, clock: FixedClock
) -> None:
    ids = [_queue(runtime, person(f"p{n}@example.com")) for n in range(25)]

    def die(one: Envelope) -> SmtpResult:
        raise KeyboardInterrupt

    _answer(runtime, die)
    with pytest.raises(KeyboardInterrupt):
        runtime.delivery.run(Lane.BULK)
    clock.forward(timedelta(minutes=1))
    with runtime.database.transaction() as session:
        assert recover_rows(session, clock.now()) == (5, 20)
    kept = _answer(runtime, SentList()._answer)
    runtime.delivery.run(Lane.BULK)
    assert [one.key for one in kept.envelopes] == ids[20:]


def test_a_worker_with_another_key_sends_nothing_and_loses_nothing(
    runtime: Runtime, person: People, sent: SentList
) -> None:
    id = _queue(runtime, person("jane@example.com"))
    with runtime.database.transaction() as session:
        brand.current(session).key_print = Signer(b"another key" * 4).key_print
    assert runtime.delivery.run(Lane.BULK) == 0
    assert (sent.envelopes, _row(runtime, id).state) == ([], State.READY)
    with runtime.database.transaction() as session:
        brand.current(session).key_print = runtime.signer.key_print
    assert runtime.delivery.run(Lane.BULK) == 1
