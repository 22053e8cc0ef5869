"""How instants, numbers and sizes read."""

from datetime import UTC, datetime

from newsletter.web.owner.display import duration, in_zone, number, percent, size


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
