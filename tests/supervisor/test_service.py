"""A child's log: kept small while the child goes on writing."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.supervisor import service
from newsletter.supervisor.service import OLD_LOGS, Service
from tests.real.conftest import until

KEPT = 20_000
WRITER = (
    "import sys, itertools, time\nfor n in itertools.count():\n  print(f'line {n:08}', flush=True); time.sleep(0.00005)"
)


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A child that writes line after line."""
    monkeypatch.setattr(service, "LOG_KEPT", KEPT)
    made = Service("writer", [sys.executable, "-c", WRITER], {}, tmp_path, tmp_path / "log" / "writer.log")
    made.start()
    yield made
    made.ask_to_stop()
    made.wait_stopped(hurry=lambda: True)


def _numbers(log: Path) -> list[int]:
    return [int(line.removeprefix("line ")) for line in log.read_text().splitlines()]


def test_a_log_turns_over_while_its_child_writes(writer: Service) -> None:
    old = [writer.log.with_name(f"{writer.log.name}.{n}") for n in range(1, OLD_LOGS + 2)]

    def turned() -> bool:
        writer.keep_log_small()
        return old[OLD_LOGS - 1].exists()

    until(turned)
    assert not old[OLD_LOGS].exists()
    until(lambda: writer.log.stat().st_size > 0, why="the child goes on writing at the beginning")
    newest, older = _numbers(old[0]), _numbers(old[1])  # every line is whole, or int() raises
    assert newest == list(range(newest[0], newest[-1] + 1)) and newest[0] > older[-1]
    assert newest[0] - older[-1] < 1000, "little is lost in between"


def test_a_disk_that_takes_no_copy_is_not_filled_further(writer: Service) -> None:
    until(lambda: writer.log.stat().st_size > KEPT)
    (writer.log.parent / "writer.log.1").mkdir()  # nothing can be written there
    writer.keep_log_small()
    assert writer.log.stat().st_size < KEPT
