"""The clock: one for all processes, and it only goes forward."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.clock import FixedClock, MovableClock, SystemClock

MOMENT = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)


def test_a_fixed_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(MOMENT)
    assert clock.now() == clock.now() == MOMENT
    clock.forward(timedelta(days=3))
    assert clock.now() == MOMENT + timedelta(days=3)


def test_the_machines_clock_tells_aware_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta()


def test_a_movable_clock_moves_for_every_process_that_reads_its_file(tmp_path: Path) -> None:
    ours, theirs = MovableClock(tmp_path / "clock"), MovableClock(tmp_path / "clock")
    assert theirs.offset() == timedelta()
    ours.forward(timedelta(days=3))
    ours.forward(timedelta(hours=12))
    assert theirs.offset() == timedelta(days=3, hours=12)
    assert theirs.now() - SystemClock().now() > timedelta(days=3, hours=11)


def test_time_never_goes_back(tmp_path: Path) -> None:
    clock = MovableClock(tmp_path / "clock")
    with pytest.raises(ValueError, match="forward"):
        clock.forward(timedelta(seconds=-1))
    assert clock.offset() == timedelta()
