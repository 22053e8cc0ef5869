"""How instants, numbers and sizes read."""

import re
from datetime import UTC, datetime, timedelta

from flask import Flask

from newsletter.clock import FixedClock
from newsletter.web.owner.display import duration, in_zone, number, percent, size
from tests.web.owner.conftest import Desk, sign_in


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


def test_what_was_is_told_in_words_with_the_exact_time_behind_them(
    app: Flask, owner: int, article: int, clock: FixedClock
) -> None:
    def saved() -> tuple[str, str]:
        desk = Desk(app.test_client())
        sign_in(desk.client)  # anew each time: a session ends after some hours
        page = desk.get(f"/owner/articles/{article}")
        found = re.search(r'saved <time datetime="[^"]+" title="([^"]+)">([^<]+)</time>', page)
        assert found is not None
        return found[2], found[1]

    exact = "Mon 1 Jun 2026, 12:00 BST"
    later = {
        timedelta(): "just now", timedelta(minutes=5): "5 minutes ago", timedelta(hours=3): "today, 12:00",
        timedelta(hours=12): "yesterday, 12:00", timedelta(days=1): exact,
    }  # fmt: skip
    for step, words in later.items():
        clock.forward(step)
        assert saved() == (words, exact)
