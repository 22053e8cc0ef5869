"""Recovery: a worker dies in the middle of a batch, or of single messages; nothing is lost, nothing goes twice."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import accounts, articles, feedback
from newsletter.clock import FixedClock
from newsletter.mail import ledger, recovery
from newsletter.mail.ledger import Dispatch, Lane, Message, State
from newsletter.mail.ledger.batch_claims import recover_batches
from newsletter.mail.ledger.dispatch import Batch
from newsletter.mail.ledger.queue import fill
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.subscribers import Segment
from tests.mail.dying import KilledError, counts, die, replay

People = Callable[..., int]


@pytest.fixture
def campaign(runtime: Runtime, person: People) -> int:
    """A campaign of forty, written."""
    now = runtime.clock.now()
    last = [person(f"p{n}@example.com") for n in range(40)][-1]
    with runtime.database.transaction() as session:
        words = articles.write(session, now, title="Golf", subject="Golf", body="Turn both ways.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=now, fill_until=last)
        session.add(made)
        session.flush()
        fill(session, made, Segment().condition(), now, 100)
        return made.id


def test_a_killed_batch_is_exact_and_goes_on_at_once(campaign: int, runtime: Runtime) -> None:
    dead = die(runtime, Lane.BULK, accepted=10, flying=3)
    assert replay(runtime) == (10, 3)
    assert counts(runtime) == {State.SENT: 10, State.UNCERTAIN: 3, State.READY: 27}
    runtime.transport = living = SentList()
    while runtime.delivery.run(Lane.BULK):
        pass
    assert counts(runtime) == {State.SENT: 37, State.UNCERTAIN: 3}
    assert max((dead.copies + Counter(one.key for one in living.envelopes)).values()) == 1
    assert list(runtime.journals.iterdir()) == []


def test_a_worker_killed_right_behind_its_claim_has_begun_nothing(campaign: int, runtime: Runtime) -> None:
    @contextmanager
    def dying() -> Iterator[Session]:
        with runtime.database.transaction() as session:
            yield session
        raise KilledError

    with pytest.raises(KilledError):
        replace(runtime.delivery, transaction=dying).run(Lane.BULK)
    with runtime.database.reading() as session:
        assert session.scalars(select(Batch.sending_to)).one() > 0
    assert replay(runtime) == (0, 0)
    assert counts(runtime) == {State.READY: 40}
    runtime.transport = living = SentList()
    while runtime.delivery.run(Lane.BULK):
        pass
    assert Counter(one.key for one in living.envelopes).most_common(1)[0][1] == 1
    assert counts(runtime) == {State.SENT: 40}


def test_replaying_twice_changes_nothing(campaign: int, runtime: Runtime) -> None:
    die(runtime, Lane.BULK, accepted=5, flying=2)
    kept = {path: path.read_bytes() for path in runtime.journals.iterdir()}
    replay(runtime)
    for path, data in kept.items():
        path.write_bytes(data)
    before = counts(runtime)
    replay(runtime)
    assert counts(runtime) == before


def test_answers_in_the_journal_count_also_when_the_lease_was_taken_away_before(
    campaign: int, runtime: Runtime, clock: FixedClock
) -> None:
    dead = die(runtime, Lane.BULK, accepted=10, flying=3)
    clock.forward(timedelta(minutes=2))
    with runtime.database.transaction() as session:
        assert recover_batches(session, clock.now()) == 40  # all were marked in one commit
    replay(runtime)
    assert counts(runtime) == {State.SENT: 10, State.UNCERTAIN: 3, State.DEFERRED: 27}  # those have never left
    runtime.transport = living = SentList()
    while runtime.delivery.run(Lane.BULK):
        pass
    assert counts(runtime) == {State.SENT: 37, State.UNCERTAIN: 3}
    assert not {one.key for one in living.envelopes} & dead.copies.keys()


@pytest.mark.parametrize("what", ["cancelled", "reviewed", "days ago", "machine went down"])
def test_what_never_left_stays_uncertain(what: str, campaign: int, runtime: Runtime, clock: FixedClock) -> None:
    die(runtime, Lane.BULK, accepted=10, flying=3)
    clock.forward(timedelta(minutes=2))
    with runtime.database.transaction() as session:
        recover_batches(session, clock.now())
        if what == "cancelled":
            session.get_one(Dispatch, campaign).hold = ledger.Hold.CANCELLED
        for message in session.scalars(select(Message)) if what == "reviewed" else ():
            message.leave(clock.now())
    clock.forward(timedelta(days=4 if what == "days ago" else 0))
    if what == "machine went down":
        (journal,) = runtime.journals.iterdir()
        journal.write_text(journal.read_text().replace("boot ", "boot another-"))
    replay(runtime)
    assert counts(runtime) == {State.SENT: 10, State.UNCERTAIN: 30}


def test_what_a_worker_gave_back_may_be_on_the_wire_of_another_one(
    campaign: int, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = iter(["ff" * 12, "00" * 12])  # the journal of the second is replayed first
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(tokens, "11" * 12))
    runtime.transport = first = SentList()
    with monkeypatch.context() as killed:  # it stops, gives the batch back, and dies before its journal is gone
        killed.setattr(Path, "unlink", lambda *_, **__: None)
        runtime.delivery.run(Lane.BULK, stop=lambda: bool(first.envelopes))
    second = die(runtime, Lane.BULK, accepted=10, flying=3)
    assert len(list(runtime.journals.iterdir())) == 2
    replay(runtime)
    assert counts(runtime) == {State.SENT: 11, State.UNCERTAIN: 3, State.READY: 26}
    runtime.transport = living = SentList()
    while runtime.delivery.run(Lane.BULK):
        pass
    copies = second.copies + Counter(one.key for one in [*first.envelopes, *living.envelopes])
    assert set(copies.values()) == {1}
    assert counts(runtime) == {State.SENT: 37, State.UNCERTAIN: 3}


def test_a_worker_told_to_stop_after_its_lease_ran_out_gives_back_what_has_not_left(
    campaign: int, runtime: Runtime, clock: FixedClock
) -> None:
    def late(one: Envelope) -> SmtpResult:
        clock.forward(timedelta(minutes=2))
        with runtime.database.transaction() as session:
            assert recover_batches(session, clock.now()) == 40
        return SmtpResult(one.key, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 ok", "mx:25", ".")

    runtime.transport = sent = SentList(late)
    runtime.delivery.run(Lane.BULK, stop=lambda: bool(sent.envelopes))
    assert counts(runtime) == {State.SENT: 1, State.DEFERRED: 39}


def test_without_its_journal_what_was_begun_is_uncertain_and_never_sent_again(
    campaign: int, runtime: Runtime, clock: FixedClock
) -> None:
    die(runtime, Lane.BULK, accepted=10, flying=3)
    for path in runtime.journals.iterdir():
        path.unlink()  # the host never came back
    clock.forward(timedelta(minutes=2))
    recovery.recover(runtime.journals, runtime.database.transaction, clock.now(), feedback.suppress)
    runtime.transport = living = SentList()
    while runtime.delivery.run(Lane.BULK):
        pass
    assert living.envelopes == []
    assert counts(runtime) == {State.UNCERTAIN: 40}


def test_a_folder_that_is_not_there_yet_holds_nothing(runtime: Runtime) -> None:
    assert not Path(runtime.journals).exists()
    assert replay(runtime) == (0, 0)


def _refused_journal(runtime: Runtime) -> Path:
    """What a worker left that had sent ten and had three on the wire, in a form that the ledger refuses."""
    die(runtime, Lane.BULK, accepted=10, flying=3)
    [journal] = runtime.journals.iterdir()
    with journal.open("a") as file:
        file.write(f"o\t{2**70}\taccepted\t250\t2.0.0\tmx:25\t.\t2.0.0 ok\n")  # no database has such a number
    return journal


def test_a_journal_that_cannot_be_written_down_is_put_aside_and_stops_nobody(
    campaign: int, runtime: Runtime, clock: FixedClock
) -> None:
    with runtime.database.transaction() as session:
        accounts.create(session, "paula@example.com", "a good password", clock.now())
    journal = _refused_journal(runtime)
    assert replay(runtime) == (0, 0)
    assert journal.exists()  # it may go better next time
    assert replay(runtime) == (0, 0)
    assert [path.name for path in runtime.journals.iterdir()] == [f"{journal.name}.aside"]
    runtime.transport = living = SentList()
    while runtime.delivery.run(Lane.TRANSACTIONAL):
        pass
    [notice] = living.envelopes
    assert journal.name.encode() in notice.data
    clock.forward(timedelta(minutes=2))  # its lease has run out: without the journal all that was marked is uncertain
    recovery.recover(runtime.journals, runtime.database.transaction, clock.now(), feedback.suppress)
    assert counts(runtime) == {State.UNCERTAIN: 40, State.SENT: 1}  # that one is the notice


def test_zeros_that_a_file_system_left_in_a_journal_cost_only_the_line(campaign: int, runtime: Runtime) -> None:
    die(runtime, Lane.BULK, accepted=10, flying=3)
    [journal] = runtime.journals.iterdir()
    with journal.open("a") as file:
        file.write("o\t1\taccepted\t250\t\0\0\0\tmx:25\t.\t\0\n")
    written, _ = replay(runtime)
    assert written == 10
    assert list(runtime.journals.iterdir()) == []
