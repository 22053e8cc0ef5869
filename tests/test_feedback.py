"""A dead address ends every series at once, by whichever mail it becomes known."""

import ast
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import articles, feedback, journey, sequences
from newsletter.clock import FixedClock
from newsletter.events import By, Press
from newsletter.guides import Guide
from newsletter.mail import ledger, recovery
from newsletter.mail.journal import Journal
from newsletter.mail.ledger import Dispatch, Lane
from newsletter.mail.ledger.queue import fill
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.ledger.row_claims import claim_rows, mark_sending
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus, Sequence, Standing
from newsletter.settings import ROOT
from newsletter.smtp import SentList, SmtpResult, Stage
from newsletter.subscribers import Segment, Status, Stream, Subscriber
from tests.conftest import NOON

ZONE = "Europe/London"
PRESS = Press(By.PAGE, "Send it to me", "/library")
FULL = "5.2.2"


def _gone(key: int, enhanced: str = "5.1.1") -> SmtpResult:
    return SmtpResult(key, Stage.REJECTED, 550, enhanced, f"{enhanced} no such user", "mx.example:25", "RCPT")


@pytest.fixture
def jane(runtime: Runtime, person: Callable[..., int]) -> int:
    """In both series of the house, of which the second waits."""
    id = person("jane@example.com")
    with runtime.database.transaction() as session:
        for sequence in session.scalars(select(Sequence)):
            sequences.enroll(session, session.get_one(Subscriber, id), sequence, ZONE, NOON)
    return id


def _statuses(runtime: Runtime) -> list[EnrollmentStatus]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(Enrollment.status).order_by(Enrollment.id)))


def _queue(runtime: Runtime, jane: int, stream: Stream) -> None:
    with runtime.database.transaction() as session:
        if stream is Stream.GUIDE:
            guide = session.scalars(select(Guide)).first()
            assert guide is not None
            assert journey.request_guide(session, runtime, session.get_one(Subscriber, jane), guide, PRESS, NOON)
            return
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="x").current
        if stream is Stream.CAMPAIGN:
            made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=jane)
            session.add(made)
            session.flush()
            fill(session, made, Segment().condition(), NOON, 10)
        else:
            who = session.get_one(Subscriber, jane)
            ledger.queue(session, who, stream, "one", NOON, revision=words)


@pytest.mark.parametrize("stream", [Stream.CAMPAIGN, Stream.STEP, Stream.GUIDE])
def test_a_hard_bounce_of_any_mail_ends_every_series(stream: Stream, runtime: Runtime, jane: int) -> None:
    assert _statuses(runtime) == [EnrollmentStatus.ACTIVE, EnrollmentStatus.WAITING]
    _queue(runtime, jane, stream)
    runtime.transport = SentList(lambda one: _gone(one.key))
    for lane in Lane:
        runtime.delivery.run(lane)
    assert _statuses(runtime) == [EnrollmentStatus.STOPPED, EnrollmentStatus.STOPPED]
    with runtime.database.reading() as session:
        one = session.scalars(select(Enrollment).order_by(Enrollment.id)).first()
        assert one is not None
        assert (one.reason, one.due_at) == (Reason.BOUNCED, None)
        assert sequences.what_is_next(session, one, ZONE, NOON) == []


def test_a_bounce_that_only_a_dead_workers_journal_knows_ends_them_too(runtime: Runtime, jane: int) -> None:
    _queue(runtime, jane, Stream.STEP)
    with runtime.database.transaction() as session:
        (message,) = claim_rows(session, Lane.BULK, "t", NOON, 9)
        mark_sending(session, "t", [message.id], NOON)
    journal = Journal(runtime.journals, "t")
    journal.sending([message.id])
    journal.results([_gone(message.id)])
    journal.close(settled=False)
    recovery.replay(runtime.journals, runtime.database.transaction, NOON, feedback.suppress)
    assert _statuses(runtime) == [EnrollmentStatus.STOPPED, EnrollmentStatus.STOPPED]


def test_a_full_mailbox_gets_the_same_step_again_and_the_third_ends_it(
    runtime: Runtime, jane: int, clock: FixedClock
) -> None:
    runtime.transport = SentList(lambda one: _gone(one.key, FULL))
    tried = []
    for day in range(30):
        clock.forward(timedelta(days=1))
        for _ in range(2):
            with runtime.database.transaction() as session:
                sequences.advance_due(session, clock.now(), ZONE)
            if runtime.delivery.run(Lane.BULK):
                tried.append(day + 1)
    assert tried == [2, 9, 16]
    assert _statuses(runtime) == [EnrollmentStatus.STOPPED, EnrollmentStatus.STOPPED]


@pytest.mark.parametrize("status", [Status.BOUNCED, Status.COMPLAINED])
def test_suppressing_somebody_calls_off_the_queued_step(
    status: Status, runtime: Runtime, jane: int, clock: FixedClock, sent: SentList
) -> None:
    clock.forward(timedelta(days=3))
    with runtime.database.transaction() as session:
        assert sequences.advance_due(session, clock.now(), ZONE) == 1
        feedback.suppress(session, session.get_one(Subscriber, jane), status, clock.now())
    runtime.delivery.run(Lane.BULK)
    assert sent.envelopes == []
    assert _statuses(runtime) == [EnrollmentStatus.STOPPED, EnrollmentStatus.STOPPED]


def test_whose_status_was_changed_by_other_ways_is_promised_nothing(runtime: Runtime, jane: int) -> None:
    with runtime.database.transaction() as session:
        session.get_one(Subscriber, jane).status = Status.BOUNCED
    with runtime.database.reading() as session:
        for one in session.scalars(select(Enrollment)):
            assert sequences.standing(one) is Standing.NOBODY
            assert sequences.what_is_next(session, one, ZONE, NOON) == []


def test_nothing_else_in_the_house_stops_somebodys_mail() -> None:
    callers = {
        path.name
        for path in (ROOT / "newsletter").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "stop_mail"
    }
    assert callers == {"suppress.py"}
