"""One product for a data folder: a second start is refused, and one after a kill waits for what that left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.settings import Settings, load
from newsletter.supervisor import StartError, alone
from newsletter.supervisor.alone import hold_for_parts


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a data folder."""
    return load({"DATA_DIR": str(tmp_path)})


def test_it_is_held_by_one_and_free_afterwards(settings: Settings) -> None:
    with alone(settings, print), pytest.raises(StartError, match="running already"), alone(settings, print):
        pass
    with alone(settings, print):
        pass


def test_a_start_waits_for_the_last_part_of_one_that_was_killed(settings: Settings) -> None:
    lock = hold_for_parts(settings, print)
    part = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], pass_fds=[lock])
    os.close(lock)  # killed
    told: list[str] = []

    def end(line: str) -> None:
        told.append(line)
        assert part.poll() is None
        part.kill()

    with alone(settings, end):
        assert part.wait() < 0
    assert len(told) == 1 and "waiting" in told[0]


def test_parts_that_do_not_end_are_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = hold_for_parts(settings, print)
    monkeypatch.setattr(sys.modules[hold_for_parts.__module__], "ENDING", 0.0)
    with pytest.raises(StartError, match="still run from this folder"), alone(settings, print):
        pass
    os.close(lock)
