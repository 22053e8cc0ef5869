"""When a step is due, across clock changes in many zones."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.sequences import Delay, Unit, due_after
from newsletter.sequences.delay import EVERY_DAY
from newsletter.zones import zone_named

ZONES = st.sampled_from(
    [
        "Europe/London",
        "America/New_York",
        "America/St_Johns",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",  # moves by half an hour
        "Pacific/Chatham",
        "Pacific/Kiritimati",
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "America/Nuuk",  # changes at an odd hour
        "Asia/Beirut",  # changes at midnight
        "UTC",
    ]
)
MOMENTS = st.datetimes(datetime(2023, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TIMES = st.times().map(lambda t: t.replace(microsecond=0, second=0, tzinfo=None))
DAYS = st.builds(
    Delay, st.integers(0, 400), st.just(Unit.DAYS), st.integers(1, EVERY_DAY), st.none() | TIMES
)  # fmt: skip
MORNING = time(9, 0)


def _local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@given(MOMENTS, st.integers(0, 10_000), ZONES)
def test_hours_are_elapsed_time_everywhere(anchor: datetime, hours: int, zone: str) -> None:
    assert due_after(anchor, Delay(hours, Unit.HOURS), zone) - anchor == timedelta(hours=hours)


@given(MOMENTS, DAYS, ZONES)
def test_never_on_a_day_or_before_an_hour_that_is_not_allowed(anchor: datetime, delay: Delay, zone: str) -> None:
    local = due_after(anchor, delay, zone).astimezone(ZoneInfo(zone))
    assert delay.weekdays >> local.weekday() & 1
    assert delay.not_before is None or local.time() >= delay.not_before


@given(MOMENTS, DAYS, ZONES)
def test_never_sooner_than_so_many_calendar_days_and_never_a_week_later(
    anchor: datetime, delay: Delay, zone: str
) -> None:
    here = ZoneInfo(zone)
    days = due_after(anchor, delay, zone).astimezone(here).date() - anchor.astimezone(here).date()
    assert timedelta(days=delay.amount) <= days < timedelta(days=delay.amount + 7)


@given(MOMENTS, DAYS, st.integers(0, 50), ZONES)
def test_a_longer_delay_is_never_sooner(anchor: datetime, delay: Delay, more: int, zone: str) -> None:
    longer = Delay(delay.amount + more, Unit.DAYS, delay.weekdays, delay.not_before)
    assert due_after(anchor, longer, zone) >= due_after(anchor, delay, zone)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=30)), DAYS, ZONES)
def test_who_was_mailed_later_is_due_no_sooner_by_the_local_clock(
    anchor: datetime, later: timedelta, delay: Delay, zone: str
) -> None:
    here = ZoneInfo(zone)
    first, second = sorted(one.astimezone(here).replace(tzinfo=None) for one in (anchor, anchor + later))
    due = [due_after(one.replace(tzinfo=here, fold=0), delay, zone) for one in (first, second)]
    assert due[0] <= due[1]


@given(MOMENTS, st.integers(1, 400), ZONES)
def test_plain_days_keep_the_local_time_wherever_it_exists(anchor: datetime, days: int, zone: str) -> None:
    here = ZoneInfo(zone)
    before, due = anchor.astimezone(here), due_after(anchor, Delay(days, Unit.DAYS), zone).astimezone(here)
    wall = datetime.combine(before.date() + timedelta(days=days), before.time())
    if wall.replace(tzinfo=here).astimezone(UTC).astimezone(here).replace(tzinfo=None) == wall:
        assert due.replace(tzinfo=None) == wall
    else:  # a gap: the first valid instant after it
        assert due.replace(tzinfo=None) > wall
        just_before = (due.astimezone(UTC) - timedelta(microseconds=1)).astimezone(here)
        assert just_before.replace(tzinfo=None) < wall


@pytest.mark.parametrize(
    ("zone", "sent", "due"),
    [
        ("Europe/London", "2026-03-28 01:30", "2026-03-29 02:00"),  # 01:00 to 02:00 is skipped
        ("America/New_York", "2026-03-07 02:30", "2026-03-08 03:00"),
        ("Australia/Lord_Howe", "2026-10-03 02:10", "2026-10-04 02:30"),  # only half an hour is skipped
        ("Asia/Beirut", "2026-03-28 00:15", "2026-03-29 01:00"),  # midnight itself is skipped
    ],
)
def test_a_time_that_does_not_exist_becomes_the_first_that_does(zone: str, sent: str, due: str) -> None:
    assert due_after(_local(sent, zone), Delay(1, Unit.DAYS), zone) == _local(due, zone)


def test_a_time_that_comes_twice_means_the_first() -> None:
    due = due_after(_local("2026-10-24 01:30", "Europe/London"), Delay(1, Unit.DAYS), "Europe/London")
    assert due == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # still British Summer Time


def test_the_clock_change_moves_the_instant_and_not_the_hour() -> None:
    sent = _local("2026-03-27 09:00", "Europe/London")
    assert due_after(sent, Delay(3, Unit.DAYS), "Europe/London") - sent == timedelta(days=3, hours=-1)


@pytest.mark.parametrize(
    ("sent", "weekdays", "not_before", "due"),
    [
        ("2026-06-05 20:00", EVERY_DAY, None, "2026-06-06 20:00"),
        ("2026-06-05 07:00", EVERY_DAY, MORNING, "2026-06-06 09:00"),
        ("2026-06-05 20:00", EVERY_DAY, MORNING, "2026-06-06 20:00"),
        ("2026-06-05 20:00", 0b0011111, None, "2026-06-08 00:00"),  # Friday → Monday
        ("2026-06-05 20:00", 0b0011111, MORNING, "2026-06-08 09:00"),
        ("2026-06-05 20:00", 0b0000001, MORNING, "2026-06-08 09:00"),
        ("2026-06-07 20:00", 0b0000001, MORNING, "2026-06-08 20:00"),
    ],
)
def test_the_next_allowed_weekday_at_the_windows_start(
    sent: str, weekdays: int, not_before: time | None, due: str
) -> None:
    delay = Delay(1, Unit.DAYS, weekdays, not_before)
    assert due_after(_local(sent, "Europe/London"), delay, "Europe/London") == _local(due, "Europe/London")


@pytest.mark.parametrize(
    ("text", "amount", "unit", "shown"),
    [
        ("3 days", 3, Unit.DAYS, "3 days"),
        ("1 day", 1, Unit.DAYS, "1 day"),
        (" 12hours ", 12, Unit.HOURS, "12 hours"),
        ("0 hours", 0, Unit.HOURS, "0 hours"),
    ],
)
def test_a_delay_reads_as_it_is_written(text: str, amount: int, unit: Unit, shown: str) -> None:
    delay = Delay.parse(text)
    assert (delay.amount, delay.unit, str(delay)) == (amount, unit, shown)
    assert Delay.parse(str(delay)) == delay


@pytest.mark.parametrize("text", ["", "soon", "-1 days", "3", "days", "3 weeks", "99999 days", "3.5 days", "٣ weeks"])
def test_what_is_no_delay_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="3 days"):
        Delay.parse(text)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe/London\0"])
def test_a_zone_that_nobody_knows_is_utc(name: str) -> None:
    assert zone_named(name) == ZoneInfo("UTC")
