"""Which instant a local time is."""

# ruff: noqa: DTZ001 - a local time as it is typed has no zone yet

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from newsletter.zones import NoSuchTime, OwnTime, instant, known_zones


def test_a_local_time_in_summer_is_an_hour_earlier_in_utc() -> None:
    assert instant(datetime(2026, 7, 1, 9), "Europe/London") == datetime(2026, 7, 1, 8, tzinfo=UTC)


def test_a_time_that_the_clocks_skip_is_told() -> None:
    with pytest.raises(NoSuchTime, match=r"01:30 on 28 March 2027 does not exist in Europe/London"):
        instant(datetime(2027, 3, 28, 1, 30), "Europe/London")


def test_of_a_time_that_happens_twice_it_is_the_first() -> None:
    assert instant(datetime(2026, 10, 25, 1, 30), "Europe/London") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_zones_are_those_of_the_tz_database_in_order() -> None:
    assert set(known_zones()) == available_timezones()
    assert list(known_zones()) == sorted(known_zones())


ZONES = st.sampled_from(known_zones())
WALLS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), allow_imaginary=False).map(
    lambda wall: wall.replace(second=0, microsecond=0)
)
OWNER = "Europe/London"


@given(wall=WALLS, zone=ZONES)
def test_everyones_own_time_is_what_their_clock_says_then_or_the_first_minute_behind_a_gap(
    wall: datetime, zone: str
) -> None:
    own = OwnTime(wall, OWNER)
    at, here = own.instant(zone), ZoneInfo(zone)
    shown = at.astimezone(here).replace(tzinfo=None)
    assert at.tzinfo is UTC and own.is_skipped(at, zone) is (shown != wall)
    if shown == wall:
        assert at.astimezone(here).fold == 0  # of a time that comes twice the first
    else:
        assert shown > wall and (at - timedelta(seconds=1)).astimezone(here).replace(tzinfo=None) < wall


@given(wall=WALLS, zone=st.one_of(st.none(), st.text(max_size=70), st.just("Mars/Olympus"), st.just("")))
def test_whose_zone_is_not_known_goes_with_the_owner(wall: datetime, zone: str | None) -> None:
    assume(zone not in known_zones())
    own = OwnTime(wall, OWNER)
    assert own.instant(zone) == own.instant(OWNER)


@given(wall=WALLS, days=st.integers(1, 400), zone=ZONES)
def test_a_later_day_is_never_earlier_anywhere(wall: datetime, days: int, zone: str) -> None:
    later = OwnTime(wall + timedelta(days=days), OWNER)
    # A whole day is missing once, where Samoa went over the date line; none is in these years.
    assert OwnTime(wall, OWNER).instant(zone) < later.instant(zone)


@given(wall=WALLS)
@settings(max_examples=20)
def test_it_goes_round_the_world_in_26_hours_and_an_hour_of_summer(wall: datetime) -> None:
    found = OwnTime(wall, OWNER).instants()
    assert found == sorted(set(found)) and found[-1] - found[0] <= timedelta(hours=27)
    assert {OwnTime(wall, OWNER).instant(zone) for zone in known_zones()} == set(found)
