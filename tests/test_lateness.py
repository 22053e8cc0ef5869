"""Pages that were slow make bulk mail rest, in whichever process of the host; strangers' work does not."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from newsletter import jobs, lateness
from newsletter.lateness import FRESH, LATE, Lateness
from newsletter.runtime import Runtime


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The host's monotonic clock, moved by hand."""
    hand = SimpleNamespace(at=1000.0)
    monkeypatch.setattr(lateness, "time", SimpleNamespace(monotonic=lambda: hand.at))
    return hand


def test_a_late_page_is_told_to_the_other_processes_for_a_moment(tmp_path: Path, host: SimpleNamespace) -> None:
    web, worker = Lateness.of(tmp_path), Lateness.of(tmp_path)
    assert not worker.is_fresh()
    web.note(LATE / 2)
    assert not worker.is_fresh()
    web.note(2 * LATE)
    assert worker.is_fresh()
    host.at += FRESH
    assert not worker.is_fresh()


def test_what_was_told_before_the_host_was_started_anew_counts_no_more(tmp_path: Path, host: SimpleNamespace) -> None:
    Lateness.of(tmp_path).note(2 * LATE)
    host.at = 5.0
    assert not Lateness.of(tmp_path).is_fresh()


class _Clock:
    """Each batch takes a tenth of a second; how long was rested."""

    def __init__(self) -> None:
        self.now, self.rested = 1000.0, 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.rested += seconds
        self.now += seconds


@pytest.mark.parametrize(
    ("lane", "late", "share"), [("bulk", True, 0.5), ("bulk", False, 1.0), ("transactional", True, 1.0)]
)
def test_bulk_mail_leaves_half_to_pages_that_are_slow(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, lane: str, late: bool, share: float
) -> None:
    clock = _Clock()

    def run(*_: object) -> int:
        clock.now += 0.1
        return 100

    monkeypatch.setattr(jobs, "time", clock)
    monkeypatch.setattr(jobs.recovery, "replay", lambda *_: (0, 0))
    runtime.lateness = SimpleNamespace(is_fresh=lambda: late)  # type: ignore[assignment]
    monkeypatch.setattr(type(runtime), "delivery", property(lambda _: SimpleNamespace(run=run)))
    jobs.deliver(runtime, _never, lane)
    assert 1 - clock.rested / (clock.now - 1000.0) == pytest.approx(share, abs=0.02)


def _never() -> bool:
    return False
