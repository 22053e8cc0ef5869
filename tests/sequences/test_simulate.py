"""The calendar says what the scheduler will do."""

from collections.abc import Callable
from datetime import datetime, timedelta

from newsletter import sequences
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.sequences import Enrollment, EnrollmentStatus, Planned, Sequence
from tests.conftest import NOON
from tests.sequences.conftest import ZONE

People = Callable[..., int]
Series = Callable[..., int]
Enroll = Callable[[int, int], int]
Tick = Callable[..., list[str]]
DELAYS = ("1 day", "2 days", "36 hours", "3 days")


def _plan(planned: list[Planned]) -> list[tuple[str, datetime]]:
    return [(one.step.article.title, one.due_at) for one in planned]


def _next(database: Database, id: int, now: datetime) -> list[tuple[str, datetime]]:
    with database.reading() as session:
        return _plan(sequences.what_is_next(session, session.get_one(Enrollment, id), ZONE, now))


def test_what_is_simulated_is_what_happens(
    person: People, series: Series, enrolled: Enroll, database: Database, tick: Tick, clock: FixedClock
) -> None:
    short = series(*DELAYS)
    enrolled(person("jane@example.com"), short)
    with database.reading() as session:
        planned = _plan(sequences.simulate(session.get_one(Sequence, short), NOON, ZONE))
    happened = [(subject, clock.now()) for _ in range(2 * 8) for subject in tick(hours=12)]
    assert happened == planned
    assert len(planned) == len(DELAYS)


def test_what_is_next_shrinks_as_the_series_goes_on(
    person: People, series: Series, enrolled: Enroll, database: Database, tick: Tick, clock: FixedClock
) -> None:
    id = enrolled(person("jane@example.com"), series("1 day", "2 days"))
    assert _next(database, id, NOON) == [
        ("short A", NOON + timedelta(days=1)),
        ("short B", NOON + timedelta(days=3)),
    ]
    tick(days=1)
    assert _next(database, id, clock.now()) == [("short B", NOON + timedelta(days=3))]
    tick(days=2)
    assert _next(database, id, clock.now()) == []


def test_what_is_queued_counts_as_now(person: People, series: Series, enrolled: Enroll, database: Database) -> None:
    id, later = enrolled(person("jane@example.com"), series("1 day", "2 days")), NOON + timedelta(days=1)
    with database.transaction() as session:
        sequences.advance_due(session, later, ZONE)
    assert _next(database, id, later) == [("short A", later), ("short B", later + timedelta(days=2))]


def test_what_is_overdue_counts_as_now(person: People, series: Series, enrolled: Enroll, database: Database) -> None:
    id, later = enrolled(person("jane@example.com"), series("1 day", "2 days")), NOON + timedelta(days=9)
    assert _next(database, id, later) == [("short A", later), ("short B", later + timedelta(days=2))]


def test_a_waiting_series_begins_when_the_one_before_it_has_ended(
    person: People, series: Series, enrolled: Enroll, database: Database
) -> None:
    jane = person("jane@example.com")
    enrolled(jane, series("5 days", slug="first"))
    second = enrolled(jane, series("1 day", slug="second"))
    assert _next(database, second, NOON) == [("second A", NOON + timedelta(days=6))]


def test_a_stopped_series_has_nothing_to_come(
    person: People, series: Series, enrolled: Enroll, database: Database
) -> None:
    id = enrolled(person("jane@example.com"), series("1 day"))
    with database.transaction() as session:
        session.get_one(Enrollment, id).end(EnrollmentStatus.STOPPED, NOON)
    assert _next(database, id, NOON) == []
