"""The series' trigger: who is due gets one mail, and the next delay counts from the moment it really went."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from newsletter import articles, sequences
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Lane, Message, State
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus, Sequence
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.subscribers import Status, Stream, Subscriber
from tests.conftest import NOON
from tests.sequences.conftest import ZONE

People = Callable[..., int]
Series = Callable[..., int]
Enroll = Callable[[int, int], int]
Read = Callable[[int], Enrollment]
Tick = Callable[..., list[str]]


def test_a_series_goes_out_step_by_step(person: People, series: Series, enrolled: Enroll, tick: Tick) -> None:
    enrolled(person("jane@example.com"), series("1 day", "2 days", "36 hours"))
    went = [tick(hours=12) for _ in range(10)]
    assert [subjects for subjects in went if subjects] == [["short A"], ["short B"], ["short C"]]
    assert [number for number, subjects in enumerate(went, 1) if subjects] == [2, 6, 9]


def test_a_mail_has_the_colour_of_the_guide_that_its_series_follows(
    person: People, series: Series, enrolled: Enroll, runtime: Runtime, clock: FixedClock, sent: SentList
) -> None:
    """Whoever reads it in the browser later sees the colour that it was sent with."""
    enrolled(person("jane@example.com"), series("1 day", "1 day"))
    for accents in ({"exercise-at-50": "#8a3b12", "another": "#123456"}, {"another": "#123456"}):
        clock.forward(timedelta(days=1))
        with runtime.database.transaction() as session:
            sequences.advance_due(session, clock.now(), ZONE, accents=accents)
        while runtime.delivery.run(Lane.BULK):
            pass
        with runtime.database.transaction() as session:
            sequences.advance_due(session, clock.now(), ZONE)
    brown, plain = [one.data for one in sent.envelopes]
    assert b"#8a3b12" in brown and b"#0f5f63" not in brown
    assert b"#0f5f63" in plain and b"#8a3b12" not in plain
    with runtime.database.reading() as session:
        contexts = session.scalars(select(Message.context).order_by(Message.id)).all()
    assert contexts == [{"guide": "exercise-at-50", "accent": "#8a3b12"}, {"guide": "exercise-at-50"}]


def test_two_beats_queue_one_mail(person: People, series: Series, enrolled: Enroll, database: Database) -> None:
    short = series("1 day")
    for number in range(10):
        enrolled(person(f"p{number}@example.com"), short)

    def beat() -> int:
        with database.transaction() as session:
            return sequences.advance_due(session, NOON + timedelta(days=1), ZONE)

    with ThreadPoolExecutor(3) as pool:
        moved = sum(future.result(30) for future in [pool.submit(beat) for _ in range(3)])
    with database.reading() as session:
        assert session.scalar(select(func.count(Message.id))) == moved == 10


def test_the_next_delay_counts_from_the_real_sending(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, tick: Tick, clock: FixedClock
) -> None:
    id = enrolled(person("jane@example.com"), series("1 day", "3 days"))
    assert tick(days=1, hours=5) == ["short A"]
    assert enrollment(id).anchor_at == clock.now()
    assert enrollment(id).due_at == clock.now() + timedelta(days=3)


def test_after_an_outage_nobody_gets_more_than_one_at_once(
    person: People, series: Series, enrolled: Enroll, tick: Tick
) -> None:
    enrolled(person("jane@example.com"), series("1 day", "1 day", "1 day"))
    assert tick(days=30) == ["short A"]
    assert tick(minutes=5) == []
    assert tick(days=1) == ["short B"]


def test_a_mail_still_under_way_holds_the_series(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, runtime: Runtime, tick: Tick, clock: FixedClock
) -> None:
    refuse = True

    def answer(one: Envelope) -> SmtpResult:
        if refuse:
            return SmtpResult(one.key, Stage.REJECTED, 451, "4.7.1", "4.7.1 later", "mx.example:25", "RCPT")
        return SmtpResult(one.key, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 ok", "mx.example:25", ".")

    runtime.transport = SentList(answer)
    id = enrolled(person("jane@example.com"), series("1 day", "1 day"))
    for _ in range(3):
        tick(days=0.9)
    assert enrollment(id).last_step_id is None
    refuse = False
    tick(days=0.9)
    assert enrollment(id).anchor_at == clock.now()


@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED])
def test_who_may_not_receive_it_any_more_is_taken_out(
    status: Status, person: People, series: Series, enrolled: Enroll, enrollment: Read, database: Database, tick: Tick
) -> None:
    id = enrolled(person("jane@example.com"), series("1 day"))
    with database.transaction() as session:
        session.execute(update(Subscriber).values(status=status))
    assert tick(days=1) == []
    assert (enrollment(id).status, enrollment(id).due_at) == (EnrollmentStatus.STOPPED, None)


def test_a_bounce_of_a_step_ends_the_series(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, runtime: Runtime, tick: Tick
) -> None:
    runtime.transport = SentList(
        lambda one: SmtpResult(one.key, Stage.REJECTED, 550, "5.1.1", "5.1.1 no such user", "mx.example:25", "RCPT")
    )
    id = enrolled(person("jane@example.com"), series("1 day", "1 day"))
    tick(days=1)
    assert enrollment(id).status is EnrollmentStatus.STOPPED


def test_somebody_without_the_newsletter_still_gets_their_series(
    person: People, series: Series, enrolled: Enroll, tick: Tick
) -> None:
    enrolled(person("jane@example.com", newsletter=False), series("1 day"))
    assert tick(days=1) == ["short A"]


def test_one_marketing_mail_a_day(
    person: People, series: Series, enrolled: Enroll, runtime: Runtime, tick: Tick, clock: FixedClock
) -> None:
    jane = person("jane@example.com")
    enrolled(jane, series("1 day"))
    clock.forward(timedelta(hours=23))
    with runtime.database.transaction() as session:
        words = articles.write(session, clock.now(), title="Golf", subject="Golf", body="x").current
        who = session.get_one(Subscriber, jane)
        ledger.queue(session, who, Stream.CAMPAIGN, "campaign:1", clock.now(), revision=words)
    assert tick(minutes=1) == ["Golf"]
    assert tick(hours=1) == []
    assert tick(days=1) == ["short A"]


def test_a_step_goes_out_in_the_words_it_has_then(
    person: People, series: Series, enrolled: Enroll, database: Database, tick: Tick
) -> None:
    short = series("1 day")
    enrolled(person("jane@example.com"), short)
    with database.transaction() as session:
        article = session.get_one(Sequence, short).steps[0].article
        article.revise(NOON, subject="Better words", preheader="", body="x")
    assert tick(days=1) == ["Better words"]


def test_only_so_many_move_at_once(person: People, series: Series, enrolled: Enroll, database: Database) -> None:
    short = series("1 day")
    for number in range(5):
        enrolled(person(f"p{number}@example.com"), short)
    later = NOON + timedelta(days=1)
    for expected in (2, 2, 1, 0):
        with database.transaction() as session:
            assert sequences.advance_due(session, later, ZONE, limit=2) == expected
    with database.reading() as session:
        assert set(session.scalars(select(Message.state))) == {State.READY}
