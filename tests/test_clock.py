"""The clock: one for all processes, and it only goes forward."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.clock import FixedClock, MovableClock, SharedClock, SystemClock

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


@pytest.mark.parametrize("minutes", [-7, 0, 7])
def test_a_host_tells_the_time_of_the_database_server(minutes: int) -> None:
    ahead = timedelta(minutes=minutes)
    clock = SharedClock(SystemClock(), lambda: datetime.now(UTC) + ahead)
    assert abs(clock.now() - datetime.now(UTC) - ahead) < timedelta(seconds=1)


def test_while_the_server_is_away_the_last_difference_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([datetime.now(UTC) + timedelta(hours=1), None])
    passed = iter([0.0, 0.0, 100.0, 100.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(passed))
    clock = SharedClock(SystemClock(), lambda: next(said))
    for _ in range(2):
        assert abs(clock.now() - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=5)


def test_a_difference_of_a_blink_is_none() -> None:
    clock = SharedClock(
        FixedClock(datetime(2026, 6, 1, tzinfo=UTC)), lambda: datetime.now(UTC) + timedelta(seconds=0.4)
    )
    assert clock.now() == datetime(2026, 6, 1, tzinfo=UTC)
