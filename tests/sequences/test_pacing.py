"""One marketing mail a person and day: series give way to campaigns for a while, and the calendar knows it."""

from collections.abc import Callable
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import select

from newsletter import articles, brand, campaigns, sequences
from newsletter.campaigns import Campaign
from newsletter.clock import FixedClock
from newsletter.mail import ledger
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.sequences import Delay, Enrollment, EnrollmentStatus, Sequence, Standing, Unit
from newsletter.sequences.pacing import goes_at
from newsletter.smtp import SentList
from newsletter.subscribers import Stream, Subscriber
from tests.conftest import NOON
from tests.sequences.conftest import ZONE

People = Callable[..., int]
Series = Callable[..., int]
Enroll = Callable[[int, int], int]
Read = Callable[[int], Enrollment]
WEEK = Delay(1, Unit.DAYS, weekdays=0b0011111, not_before=time(9))
HOURS = timedelta(hours=1)


@pytest.fixture
def newsletter(runtime: Runtime) -> Callable[[datetime], int]:
    """Schedules a campaign to everybody."""

    def made(at: datetime) -> int:
        with runtime.database.transaction() as session:
            article = articles.write(session, NOON, title="News", subject="News", body="x")
            campaign = Campaign(article=article, created_at=NOON)
            session.add(campaign)
            campaign.schedule(at, brand.current(session))
            session.flush()
            return campaign.id

    return made


@pytest.fixture
def hour(runtime: Runtime, clock: FixedClock, sent: SentList) -> Callable[..., list[str]]:
    """An hour passes as beat sees it, or so many; the subjects that went out."""

    def passed(hours: int = 1) -> list[str]:
        before = len(sent.envelopes)
        clock.forward(hours * HOURS)
        for _ in range(2):
            with runtime.database.transaction() as session:
                campaigns.launch_due(session, clock.now())
                while campaigns.fill_next(session, clock.now()):
                    pass
                sequences.advance_due(session, clock.now(), ZONE, mailings=campaigns.planned(session))
            while runtime.delivery.run(Lane.BULK):
                pass
        lines = [one.data.split(b"\r\n") for one in sent.envelopes[before:]]
        return [line[9:].decode() for mail in lines for line in mail if line.startswith(b"Subject: ")]

    return passed


def _calendar(runtime: Runtime, id: int, now: datetime) -> list[tuple[str, datetime]]:
    with runtime.database.reading() as session:
        one = session.get_one(Enrollment, id)
        coming = sequences.what_is_next(session, one, ZONE, now, campaigns.planned(session))
        return [(each.step.article.title, each.due_at) for each in coming]


def test_a_daily_newsletter_starves_no_series(
    person: People, series: Series, enrolled: Enroll, newsletter: Callable[[datetime], int],
    hour: Callable[..., list[str]], runtime: Runtime, clock: FixedClock,
) -> None:  # fmt: skip
    id = enrolled(person("jane@example.com"), series("1 day", "2 days", "1 day"))
    for day in range(21):
        newsletter(NOON + timedelta(days=day, hours=-4))
    planned = _calendar(runtime, id, NOON)
    came = [(subject, clock.now()) for _ in range(11) for step in (20, 4, 20, 4) for subject in hour(step)]
    assert len([one for one in came if one[0] == "News"]) == 21
    assert [one for one in came if one[0] != "News"] == planned
    # Each step waits two days and goes: a day and two, two and two, one and two.
    assert [at for _, at in planned] == [NOON + timedelta(days=day) for day in (3, 7, 10)]


def test_a_step_gives_way_to_a_campaign_that_is_planned_for_later_that_day(
    person: People, series: Series, enrolled: Enroll, newsletter: Callable[[datetime], int],
    hour: Callable[..., list[str]], runtime: Runtime, clock: FixedClock,
) -> None:  # fmt: skip
    id = enrolled(person("jane@example.com"), series("1 day"))
    newsletter(NOON + timedelta(days=1, hours=5))
    assert _calendar(runtime, id, NOON) == [("short A", NOON + timedelta(days=2))]
    came = [(subject, clock.now() - NOON) for step in (23, 1, 4, 1, 18, 1, 12) for subject in hour(step)]
    assert came == [("News", 29 * HOURS), ("short A", 48 * HOURS)]


def test_a_campaign_that_is_not_for_this_person_holds_nothing(
    person: People, series: Series, enrolled: Enroll, newsletter: Callable[[datetime], int],
    runtime: Runtime,
) -> None:  # fmt: skip
    id = enrolled(person("jane@example.com", newsletter=False), series("1 day"))
    newsletter(NOON + timedelta(days=1))
    assert _calendar(runtime, id, NOON) == [("short A", NOON + timedelta(days=1))]


def test_a_campaign_still_on_its_way_counts(
    person: People, series: Series, enrolled: Enroll, enrollment: Read, runtime: Runtime, clock: FixedClock
) -> None:
    jane = person("jane@example.com")
    id = enrolled(jane, series("1 day"))
    clock.forward(timedelta(days=1))
    with runtime.database.transaction() as session:
        words = articles.write(session, clock.now(), title="Golf", subject="Golf", body="x").current
        who = session.get_one(Subscriber, jane)
        ledger.queue(session, who, Stream.CAMPAIGN, "campaign:1", clock.now(), revision=words)
        sequences.advance_due(session, clock.now(), ZONE)
    one = enrollment(id)
    assert (one.message_id, one.waiting_since, one.due_at) == (None, clock.now(), clock.now() + timedelta(days=1))
    with runtime.database.reading() as session:
        assert sequences.standing(session.get_one(Enrollment, id)) is Standing.OTHER_MAIL


@pytest.mark.parametrize(("wait", "days"), [(0, 1), (1, 2), (4, 5)])
def test_how_long_it_gives_way_is_the_owners_to_set(
    wait: int, days: int, person: People, series: Series, enrolled: Enroll, newsletter: Callable[[datetime], int],
    hour: Callable[..., list[str]], runtime: Runtime, clock: FixedClock,
) -> None:  # fmt: skip
    with runtime.database.transaction() as session:
        brand.current(session).series_wait_days = wait
    id = enrolled(person("jane@example.com"), series("1 day"))
    for day in range(1, 8):
        newsletter(NOON + timedelta(days=day, hours=-1))
    assert _calendar(runtime, id, NOON) == [("short A", NOON + timedelta(days=days))]
    came = [(subject, clock.now()) for _ in range(6) for step in (23, 1) for subject in hour(step)]
    assert ("short A", NOON + timedelta(days=days)) in came


def test_two_series_do_not_send_on_the_same_day(
    person: People,
    series: Series,
    enrolled: Enroll,
    hour: Callable[..., list[str]],
    clock: FixedClock,
    runtime: Runtime,
) -> None:
    jane = person("jane@example.com")
    enrolled(jane, series("1 day", slug="first"))
    second = enrolled(jane, series("1 hour", slug="second"))
    planned = _calendar(runtime, second, NOON)
    came = [(subject, clock.now()) for step in (1, 22, 1, 1, 23, 1, 23) for subject in hour(step)]
    assert came == [("first A", NOON + timedelta(days=1)), ("second A", NOON + timedelta(days=2, hours=1))]
    assert planned == came[1:]


def test_steps_of_hours_keep_to_one_a_day_too(
    person: People,
    series: Series,
    enrolled: Enroll,
    hour: Callable[..., list[str]],
    clock: FixedClock,
    runtime: Runtime,
) -> None:
    id = enrolled(person("jane@example.com"), series("1 hour", "2 hours"))
    planned = _calendar(runtime, id, NOON)
    came = [(subject, clock.now()) for _ in range(48) for subject in hour()]
    assert came == planned
    assert [at - NOON for _, at in came] == [HOURS, 27 * HOURS]


def test_giving_way_keeps_to_the_weekdays_and_the_window() -> None:
    friday = datetime(2026, 6, 5, 9, 0, tzinfo=NOON.tzinfo)
    busy = {friday.date()}
    assert goes_at(friday, friday, WEEK, busy, ZONE, 2) == friday + timedelta(days=3, hours=-1)  # Monday, 09:00 BST
    saturday = friday + timedelta(days=1)
    assert goes_at(saturday, saturday, WEEK, (), ZONE, 2) == friday + timedelta(days=3, hours=-1)


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Pacific/Apia", "Asia/Kathmandu"])
def test_a_day_is_the_readers_own(
    zone: str, person: People, series: Series, enrolled: Enroll, runtime: Runtime
) -> None:
    jane = person("jane@example.com")
    with runtime.database.transaction() as session:
        session.get_one(Subscriber, jane).zone = zone
    id = enrolled(jane, series("20 hours", "1 hour"))
    first, second = (at for _, at in _calendar(runtime, id, NOON))
    assert sequences.delay.local_day(first, zone) < sequences.delay.local_day(second, zone)


def test_a_finished_series_is_left_alone(person: People, series: Series, enrolled: Enroll, enrollment: Read,
                                         hour: Callable[..., list[str]], runtime: Runtime) -> None:  # fmt: skip
    id = enrolled(person("jane@example.com"), series("1 hour"))
    assert hour() == ["short A"]
    assert enrollment(id).status is EnrollmentStatus.FINISHED
    with runtime.database.reading() as session:
        assert session.scalars(select(Sequence.id)).all()
        assert sequences.what_is_next(session, session.get_one(Enrollment, id), ZONE, NOON) == []
