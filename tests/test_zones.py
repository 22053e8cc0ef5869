"""Which instant a local time is."""

# ruff: noqa: DTZ001 - a local time as it is typed has no zone yet

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest

from newsletter.zones import NoSuchTime, instant, known_zones


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
