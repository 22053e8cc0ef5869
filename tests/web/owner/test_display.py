"""How local times become instants, and how instants read."""

# ruff: noqa: DTZ001 - a local time as it is typed has no zone yet

from datetime import UTC, datetime

import pytest

from newsletter.web.owner.display import NoSuchTime, duration, in_zone, instant, number, percent, size


def test_a_local_time_in_summer_is_an_hour_earlier_in_utc() -> None:
    assert instant(datetime(2026, 7, 1, 9), "Europe/London") == datetime(2026, 7, 1, 8, tzinfo=UTC)


def test_a_time_that_the_clocks_skip_is_told() -> None:
    with pytest.raises(NoSuchTime, match=r"01:30 on 28 March 2027 does not exist in Europe/London"):
        instant(datetime(2027, 3, 28, 1, 30), "Europe/London")


def test_of_a_time_that_happens_twice_it_is_the_first() -> None:
    assert instant(datetime(2026, 10, 25, 1, 30), "Europe/London") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_an_instant_reads_with_its_zone() -> None:
    at = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
    assert in_zone(at, "Europe/London") == "Mon 23 Nov 2026, 14:05 GMT"
    assert in_zone(at, "Asia/Tokyo") == "Mon 23 Nov 2026, 23:05 JST"
    assert in_zone(at, "No/Such_Zone") == in_zone(at, "UTC")


def test_numbers_sizes_and_durations() -> None:
    assert number(1234567) == "1,234,567"
    assert (percent(1, 3), percent(0, 0)) == ("33%", "–")
    assert (size(9_400), size(2_345_678)) == ("9 kB", "2.3 MB")
    assert [duration(s) for s in (None, 59.4, 61, 7260)] == ["–", "59 s", "1 min 01 s", "2 h 01 min"]
