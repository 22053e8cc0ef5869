"""One person's way through one series."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from newsletter import sequences
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail.ledger import Lane, Message, Reason, State
from newsletter.mail.ledger.lost import recover_rows, requeue
from newsletter.mail.ledger.row_claims import claim_rows, mark_sending
from newsletter.sequences import Delay, Enrollment, EnrollmentStatus, Sequence
from newsletter.subscribers import Subscriber
from tests.conftest import NOON
from tests.sequences.conftest import ZONE

People = Callable[..., int]
Series = Callable[..., int]
Enroll = Callable[[int, int], int]
Read = Callable[[int], Enrollment]
Tick = Callable[..., list[str]]


def test_the_first_step_is_due_after_its_delay(
    person: People, series: Series, enrolled: Enroll, enrollment: Read
) -> None:
    id = enrolled(person("jane@example.com"), series("2 days", "3 days"))
    assert (enrollment(id).status, enrollment(id).due_at) == (EnrollmentStatus.ACTIVE, NOON + timedelta(days=2))


def test_the_subscribers_own_zone_counts(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, database: Database, clock: FixedClock
) -> None:
    jane, short = person("jane@example.com"), series("1 day")
    clock.moment = NOON.replace(month=3, day=7)  # the night before New York's clocks change
    with database.transaction() as session:
        session.get_one(Subscriber, jane).zone = "America/New_York"
    assert enrollment(enrolled(jane, short)).due_at == clock.now() + timedelta(hours=23)


def test_nobody_is_in_a_series_twice(person: People, series: Series, enrolled: Enroll) -> None:
    jane, short = person("jane@example.com"), series("1 day")
    assert enrolled(jane, short) is not None
    assert enrolled(jane, short) is None


def test_who_finished_is_not_taken_again(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, tick: Tick
) -> None:
    jane, short = person("jane@example.com"), series("1 day")
    id = enrolled(jane, short)
    assert tick(days=1) == ["short A"]
    assert enrollment(id).status is EnrollmentStatus.FINISHED
    assert enrolled(jane, short) is None


def test_the_database_refuses_a_second_live_one(
    person: People, series: Series, enrolled: Enroll, database: Database
) -> None:
    jane, short = person("jane@example.com"), series("1 day")
    enrolled(jane, short)
    second = Enrollment(
        subscriber_id=jane, sequence_id=short, status=EnrollmentStatus.ACTIVE, started_at=NOON, anchor_at=NOON
    )
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.add(second)


def test_a_series_without_steps_is_finished_at_once(
    person: People, series: Series, enrolled: Enroll, enrollment: Read
) -> None:
    assert enrollment(enrolled(person("jane@example.com"), series())).status is EnrollmentStatus.FINISHED


def test_a_second_series_waits_behind_the_first(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, tick: Tick
) -> None:
    jane = person("jane@example.com")
    enrolled(jane, series("1 day", slug="first"))
    second = enrolled(jane, series("1 day", slug="second"))
    assert enrollment(second).status is EnrollmentStatus.WAITING
    assert [tick(days=1), tick(days=1), tick(days=1)] == [["first A"], ["second A"], []]


def test_stopping_ends_every_series_and_calls_off_what_is_queued(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, database: Database, clock: FixedClock
) -> None:
    jane = person("jane@example.com")
    first, second = enrolled(jane, series("1 day", slug="first")), enrolled(jane, series("1 day", slug="second"))
    clock.forward(timedelta(days=1))
    with database.transaction() as session:
        assert sequences.advance_due(session, clock.now(), ZONE) == 1
        who = session.get_one(Subscriber, jane)
        assert sequences.stop(session, who, clock.now(), Reason.LEFT) == 2
    assert {enrollment(first).status, enrollment(second).status} == {EnrollmentStatus.STOPPED}
    with database.reading() as session:
        assert session.scalars(select(Message.state)).all() == [State.CANCELLED]


def test_one_series_can_be_stopped_alone_and_the_other_moves_up(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, database: Database, tick: Tick
) -> None:
    jane = person("jane@example.com")
    first, second = enrolled(jane, series("1 day", slug="first")), enrolled(jane, series("1 day", slug="second"))
    with database.transaction() as session:
        assert sequences.stop(session, session.get_one(Subscriber, jane), NOON, Reason.SERIES_STOPPED, only=first) == 1
    assert tick(minutes=1) == []
    assert enrollment(second).status is EnrollmentStatus.ACTIVE
    assert tick(days=1) == ["second A"]


def test_a_mail_that_a_lost_host_may_have_begun_is_not_put_back_into_a_series_that_was_stopped(
    person: People, series: Series, enrolled: Enroll, database: Database, clock: FixedClock
) -> None:
    alice, bob, clara = (person(f"{name}@example.com") for name in ("alice", "bob", "clara"))
    short = series("1 day", "1 day")
    hers = enrolled(alice, short), enrolled(bob, short), enrolled(clara, short)
    clock.forward(timedelta(days=1))
    with database.transaction() as session:
        assert sequences.advance_due(session, clock.now(), ZONE) == 3
    with database.transaction() as session:
        ids = [letter.id for letter in claim_rows(session, Lane.BULK, "lost", clock.now(), 10)]
        mark_sending(session, "lost", ids, clock.now())
    clock.forward(timedelta(minutes=2))
    with database.transaction() as session:
        assert recover_rows(session, clock.now()) == (0, 3)
        sequences.advance_due(session, clock.now(), ZONE)  # the series goes on without it
        sequences.stop(session, session.get_one(Subscriber, alice), clock.now(), Reason.SERIES_STOPPED, only=hers[0])
        requeue(session, "lost", ids, clock.now(), of_batch=False)
    with database.reading() as session:
        states = session.scalars(select(Message.state).order_by(Message.subscriber_id)).all()
    assert states == [State.UNCERTAIN, State.DEFERRED, State.DEFERRED]


def test_nobody_stops_somebody_elses_series(
    person: People, series: Series, enrolled: Enroll, database: Database
) -> None:
    alice, bob = person("alice@example.com"), person("bob@example.com")
    hers = enrolled(alice, series("1 day"))
    with database.transaction() as session:
        assert sequences.stop(session, session.get_one(Subscriber, bob), NOON, Reason.SERIES_STOPPED, only=hers) == 0


def _edit(database: Database, id: int, change: Callable[[Sequence], None]) -> int:
    with database.transaction() as session:
        sequence = session.get_one(Sequence, id)
        change(sequence)
        return sequences.replan(session, sequence, ZONE, NOON)


def _delay(text: str, step: int = 0) -> Callable[[Sequence], None]:
    def change(sequence: Sequence) -> None:
        sequence.current_steps[step].delay = Delay.parse(text)

    return change


@pytest.mark.parametrize("days", [1, 5])
def test_editing_a_delay_counts_from_the_last_mail_both_ways(
    days: int, person: People, series: Series, enrolled: Enroll, enrollment: Read, database: Database
) -> None:
    short = series("3 days")
    id = enrolled(person("jane@example.com"), short)
    assert _edit(database, short, _delay(f"{days} days")) == 1
    assert enrollment(id).due_at == NOON + timedelta(days=days)


def test_a_deleted_step_is_skipped_and_the_next_comes_no_sooner(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, database: Database, tick: Tick
) -> None:
    short = series("3 days", "1 day")
    id = enrolled(person("jane@example.com"), short)
    with database.transaction() as session:
        sequence = session.get_one(Sequence, short)
        sequences.keep_dates(session, sequence, sequence.current_steps[0], ZONE, NOON)
    _edit(database, short, lambda sequence: sequence.current_steps[0].remove(NOON))
    assert enrollment(id).due_at == NOON + timedelta(days=3)
    assert tick(days=3) == ["short B"]


def test_a_step_put_behind_the_end_leaves_the_finished_finished(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, database: Database, tick: Tick
) -> None:
    short = series("1 day")
    id = enrolled(person("jane@example.com"), short)
    tick(days=1)
    _edit(database, short, lambda sequence: sequence.append(sequence.steps[0].article, Delay.parse("1 day")) and None)
    assert tick(days=2) == []
    assert enrollment(id).status is EnrollmentStatus.FINISHED


def test_a_step_moved_behind_a_person_is_not_sent_again(
    person: People, series: Series, enrolled: Enroll, database: Database, tick: Tick
) -> None:
    short = series("1 day", "1 day", "1 day")
    enrolled(person("jane@example.com"), short)
    assert tick(days=1) == ["short A"]
    _edit(database, short, lambda sequence: sequence.move(sequence.current_steps[2], up=True) and None)
    assert [tick(days=1), tick(days=1), tick(days=1)] == [["short C"], ["short B"], []]


def test_a_step_at_an_end_has_no_neighbour_to_change_with(series: Series, database: Database) -> None:
    short = series("1 day", "2 days")
    with database.transaction() as session:
        sequence = session.get_one(Sequence, short)
        first, last = sequence.current_steps
        assert not sequence.move(first, up=True)
        assert not sequence.move(last, up=False)


def test_a_deleted_person_takes_their_enrollments_along(
    person: People, series: Series, enrolled: Enroll, database: Database
) -> None:
    jane = person("jane@example.com")
    enrolled(jane, series("1 day"))
    with database.transaction() as session:
        session.delete(session.get_one(Subscriber, jane))
        session.flush()
        assert session.scalar(select(func.count(Enrollment.id))) == 0
