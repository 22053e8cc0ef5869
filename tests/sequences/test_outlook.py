"""The week ahead is counted in crowds, and says what the calendar says person by person."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from newsletter import articles, brand, campaigns, sequences
from newsletter.campaigns import Campaign, together
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence, articles_on, local_day
from newsletter.subscribers import Subscriber, retag
from tests.conftest import NOON
from tests.sequences.conftest import ZONE

DAYS = [date(2026, 6, 1) + timedelta(days=number) for number in range(7)]


def _outlook(database: Database, days: list[date] = DAYS) -> list[int]:
    with database.reading() as session:
        return articles_on(session, days, ZONE, NOON) or []


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


def test_series_give_way_as_the_calendar_says(
    database: Database, clock: FixedClock, runtime: Runtime, series: Callable[..., int],
    person: Callable[..., int], enrolled: Callable[[int, int], int | None],
) -> None:  # fmt: skip
    """One takes no newsletter, one single mails, one the weekly mail, one has a tag; two campaigns come, one of them to
    the tag alone, and a third has gone to everybody today."""
    sequence = series("1 day", "1 day", "2 days")
    ids = [person("none@example.com", newsletter=False), *(person(f"{n}@example.com") for n in ("a", "week", "tag"))]
    people = [enrolled(one, sequence) for one in ids]
    with database.transaction() as session:
        session.get_one(Subscriber, ids[2]).digest = True
        retag(session, ids[3], ["runner"])
    clock.forward(timedelta(hours=23))
    for tag, after in ((None, timedelta()), (None, timedelta(days=2)), ("runner", timedelta(days=3))):
        with database.transaction() as session:
            article = articles.write(session, NOON, title=f"T{after}", subject="s", body="Hi.")
            made = Campaign(article=article, segment_tag=tag, zone=ZONE, created_at=NOON)
            session.add(made)
            together.schedule(session, made, clock.now() + after, brand.current(session))
    with database.transaction() as session:
        campaigns.launch_due(session, clock.now())
        campaigns.fill_next(session, clock.now())
    while runtime.delivery.run(Lane.BULK):
        pass
    days = [local_day(clock.now(), ZONE) + timedelta(days=number) for number in range(9)]
    with database.reading() as session:
        mailings = campaigns.planned(session)
        ahead = articles_on(session, days, ZONE, clock.now(), mailings)
        as_if_none = articles_on(session, days, ZONE, clock.now())
        calendar = Counter(
            local_day(planned.due_at, ZONE)
            for id in people
            for planned in sequences.what_is_next(session, session.get_one(Enrollment, id), ZONE, clock.now(), mailings)
        )
    assert len(mailings) == 2 and ahead == [calendar[day] for day in days]
    assert ahead != as_if_none and sum(ahead) == 12


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
