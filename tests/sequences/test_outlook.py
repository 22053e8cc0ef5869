"""The week ahead is counted in crowds, and says what the calendar says person by person."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from newsletter import sequences
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence, articles_on, local_day
from tests.sequences.conftest import ZONE

DAYS = [date(2026, 6, 1) + timedelta(days=number) for number in range(7)]


def _outlook(database: Database, days: list[date] = DAYS) -> list[int]:
    with database.reading() as session:
        return articles_on(session, days, ZONE)


def _calendar(database: Database, clock: FixedClock, people: list[int], days: list[date]) -> list[int]:
    with database.reading() as session:
        planned = [
            local_day(one.due_at, ZONE)
            for id in people
            for one in sequences.what_is_next(session, session.get_one(Enrollment, id), ZONE, clock.now())
        ]
    counted = Counter(planned)
    return [counted[day] for day in days]


def test_nobody_is_nothing(database: Database) -> None:
    assert _outlook(database) == [0] * 7


@pytest.mark.parametrize("delays", [("1 day", "2 days", "3 days"), ("20 hours", "20 hours", "20 hours"), ("30 days",)])
def test_it_says_what_the_calendar_says(
    database: Database, clock: FixedClock, runtime: Runtime, series: Callable[..., int],
    person: Callable[..., int], enrolled: Callable[[int, int], int | None], delays: tuple[str, ...],
) -> None:  # fmt: skip
    sequence, people = series(*delays), []
    for number in range(3):
        who = enrolled(person(f"p{number}@example.com"), sequence)
        assert who is not None
        people.append(who)
        clock.forward(timedelta(days=1))
        with database.transaction() as session:
            sequences.advance_due(session, clock.now(), ZONE)
        runtime.delivery.run(Lane.BULK)
        with database.transaction() as session:
            sequences.advance_due(session, clock.now(), ZONE)
    days = [local_day(clock.now(), ZONE) + timedelta(days=number) for number in range(7)]
    ahead = _outlook(database, days)
    assert ahead == _calendar(database, clock, people, days)
    assert (sum(ahead) > 0) == (delays != ("30 days",))


def test_who_is_late_counts_for_the_first_day_and_a_series_that_is_off_for_none(
    database: Database, clock: FixedClock, series: Callable[..., int], person: Callable[..., int],
    enrolled: Callable[[int, int], int | None],
) -> None:  # fmt: skip
    sequence = series("1 day", "2 days")
    enrolled(person("jane@example.com"), sequence)
    later = [day + timedelta(days=5) for day in DAYS]
    assert _outlook(database, later) == [1, 0, 1, 0, 0, 0, 0]
    with database.transaction() as session:
        sequences.switch_off(session, session.get_one(Sequence, sequence), clock.now())
    assert _outlook(database, later) == [0] * 7
