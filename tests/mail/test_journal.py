"""The journal: written before the bytes leave, read when its worker is dead."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.mail.journal import Journal, left_behind
from newsletter.mail.transport import Outcome, Stage

WRITER = """
import sys
from pathlib import Path
from newsletter.mail.journal import Journal
from newsletter.mail.transport import Outcome, Stage
journal = Journal(Path(sys.argv[1]), "abc", lot=7)
journal.handed_over([1, 2, 3])
journal.outcomes([Outcome(2, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 ok", "mx:25", ".")])
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process with a journal open."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_living_workers_journal_is_left_alone_and_a_killed_ones_is_read(
    writer: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert list(left_behind(tmp_path)) == []
    writer.kill()
    writer.communicate()
    (left,) = left_behind(tmp_path)
    assert (left.token, left.lot, left.whole) == ("abc", 7, True)
    assert left.handed_over == {1, 2, 3}
    assert left.outcomes == {2: Outcome(2, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 ok", "mx:25", ".")}
    left.settle()
    assert list(left_behind(tmp_path)) == []


def test_a_line_that_was_never_finished_is_not_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "abc")
    journal.handed_over([1])
    journal.close(settled=False)
    with (tmp_path / "abc.journal").open("a") as file:
        file.write("h 2 3")
    (left,) = left_behind(tmp_path)
    assert left.handed_over == {1}


def test_after_the_machine_went_down_the_journal_is_not_believed_to_be_whole(tmp_path: Path) -> None:
    (tmp_path / "abc.journal").write_text("boot another-start\nlot 0\nh 1\n")
    (left,) = left_behind(tmp_path)
    assert not left.whole
    assert left.handed_over == {1}


def test_with_the_disk_full_nothing_may_leave(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    journal = Journal(tmp_path, "abc")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._file)
    with pytest.raises(OSError, match="No space left"):
        journal.handed_over([1])
    os.close(full)
    journal.close(settled=True)


def test_a_settled_journal_leaves_no_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "abc")
    journal.handed_over([1])
    journal.close(settled=True)
    assert list(tmp_path.iterdir()) == []
