"""A series that is switched off: nothing is sent, its clock stands, and nobody is forgotten."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from newsletter import sequences
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail.ledger import Message, State
from newsletter.sequences import Enrollment, EnrollmentStatus, Sequence, Standing
from tests.sequences.conftest import ZONE

People = Callable[..., int]
Series = Callable[..., int]
Enroll = Callable[[int, int], int]
Read = Callable[[int], Enrollment]
Tick = Callable[..., list[str]]


def _off(database: Database, id: int, clock: FixedClock) -> None:
    with database.transaction() as session:
        sequence = session.get_one(Sequence, id)
        sequence.lock(session)
        sequences.switch_off(session, sequence, clock.now())


def _on(database: Database, id: int, clock: FixedClock) -> None:
    with database.transaction() as session:
        session.get_one(Sequence, id).switch_on(clock.now())


def test_the_clock_stands_for_everybody_and_nobody_comes_all_at_once(
    person: People, series: Series, enrolled: Enroll, database: Database, tick: Tick, clock: FixedClock
) -> None:
    short = series("5 days", "5 days")
    for number in range(4):  # one a day
        enrolled(person(f"p{number}@example.com"), short)
        tick(days=1)
    _off(database, short, clock)
    assert [tick(days=1) for _ in range(21)] == [[]] * 21
    _on(database, short, clock)
    assert [len(tick(days=1)) for _ in range(10)] == [1, 1, 1, 1, 0, 1, 1, 1, 1, 0]


def test_switched_off_twice_both_times_count(
    person: People, series: Series, enrolled: Enroll, database: Database, tick: Tick, clock: FixedClock
) -> None:
    short = series("3 days")
    enrolled(person("jane@example.com"), short)
    for _ in range(2):
        tick(days=1)
        _off(database, short, clock)
        tick(days=10)
        _on(database, short, clock)
    assert tick(hours=23) == []
    assert tick(hours=1) == ["short A"]


def test_who_confirms_meanwhile_begins_when_it_is_switched_on(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, database: Database, tick: Tick,
    clock: FixedClock,
) -> None:  # fmt: skip
    short = series("1 day")
    _off(database, short, clock)
    id = enrolled(person("jane@example.com"), short)
    assert [tick(days=1) for _ in range(5)] == [[]] * 5
    _on(database, short, clock)
    assert tick(minutes=1) == []
    assert enrollment(id).status is EnrollmentStatus.ACTIVE
    assert tick(days=1) == ["short A"]


def test_what_is_queued_is_called_off_and_sent_once_when_it_is_on_again(
    person: People, series: Series, enrolled: Enroll, database: Database, tick: Tick, clock: FixedClock
) -> None:
    short = series("1 day", "1 day")
    enrolled(person("jane@example.com"), short)
    clock.forward(timedelta(days=1))
    with database.transaction() as session:
        assert sequences.advance_due(session, clock.now(), ZONE) == 1
    _off(database, short, clock)
    assert tick(minutes=1) == []
    with database.reading() as session:
        assert session.scalars(select(Message.state)).all() == [State.CANCELLED]
    _on(database, short, clock)
    assert [tick(minutes=1), tick(days=1), tick(days=1)] == [["short A"], ["short B"], []]


def test_another_series_goes_first_meanwhile_and_then_this_one_goes_on(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, database: Database, tick: Tick,
    clock: FixedClock,
) -> None:  # fmt: skip
    jane, first = person("jane@example.com"), series("1 day", "4 days", slug="first")
    one, two = enrolled(jane, first), enrolled(jane, series("1 day", "1 day", slug="second"))
    assert tick(days=1) == ["first A"]
    tick(days=1)  # three more to its next step
    _off(database, first, clock)
    assert [tick(minutes=1), tick(days=1)] == [[], ["second A"]]
    assert (enrollment(one).status, enrollment(two).status) == (EnrollmentStatus.WAITING, EnrollmentStatus.ACTIVE)
    _on(database, first, clock)
    assert [tick(days=1), tick(days=1), tick(days=1), tick(days=1), tick(days=1)] == [
        ["second B"], [], [], ["first B"], []
    ]  # fmt: skip


def test_the_calendar_of_what_is_off_is_that_of_being_switched_on_now(
    person: People, series: Series, enrolled: Enroll, database: Database, tick: Tick, clock: FixedClock
) -> None:
    short = series("3 days")
    id = enrolled(person("jane@example.com"), short)
    tick(days=1)
    _off(database, short, clock)
    tick(days=21)
    with database.reading() as session:
        one = session.get_one(Enrollment, id)
        assert sequences.standing(one) is Standing.SWITCHED_OFF
        (planned,) = sequences.what_is_next(session, one, ZONE, clock.now())
    assert planned.due_at == clock.now() + timedelta(days=2)


def test_an_edit_while_it_is_off_counts_no_time_twice(
    person: People, series: Series, enrolled: Enroll, database: Database, tick: Tick, clock: FixedClock
) -> None:
    short = series("3 days", "1 day")
    enrolled(person("jane@example.com"), short)
    tick(days=1)
    _off(database, short, clock)
    tick(days=10)
    with database.transaction() as session:
        sequence = session.get_one(Sequence, short)
        sequences.keep_dates(session, sequence, sequence.current_steps[0], ZONE, clock.now())
        sequence.current_steps[0].remove(clock.now())
        sequences.replan(session, sequence, ZONE, clock.now())
    tick(days=10)
    _on(database, short, clock)
    assert [tick(days=1), tick(days=1)] == [[], ["short B"]]
