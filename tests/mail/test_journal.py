"""The journal: written before the bytes leave, read when its worker is dead."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.mail.journal import DeadJournal, Journal, dead_journals
from newsletter.smtp import SmtpResult, Stage

WRITER = """
import sys
from pathlib import Path
from newsletter.mail.journal import Journal
from newsletter.smtp import SmtpResult, Stage
journal = Journal(Path(sys.argv[1]), "abc", batch=7)
journal.sending([1, 2, 3])
journal.results([SmtpResult(2, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 ok", "mx:25", ".")])
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
    assert list(dead_journals(tmp_path)) == []
    writer.kill()
    writer.communicate()
    (left,) = dead_journals(tmp_path)
    assert (left.token, left.batch, left.whole) == ("abc", 7, True)
    assert left.sending == {1, 2, 3}
    assert left.results == {2: SmtpResult(2, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 ok", "mx:25", ".")}
    left.settle()
    assert list(dead_journals(tmp_path)) == []


def test_a_line_that_was_never_finished_is_not_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "abc")
    journal.sending([1])
    journal.close(settled=False)
    with (tmp_path / "abc.journal").open("a") as file:
        file.write("h 2 3")
    (left,) = dead_journals(tmp_path)
    assert left.sending == {1}


def test_after_the_machine_went_down_the_journal_is_not_believed_to_be_whole(tmp_path: Path) -> None:
    (tmp_path / "abc.journal").write_text("boot another-start\nlot 0\nh 1\n")
    (left,) = dead_journals(tmp_path)
    assert not left.whole
    assert left.sending == {1}


@pytest.mark.parametrize("line", ["h 1 o\t1\taccepted", "o\t5\tno-such-stage\t1\t\t\t\t", "\0\0\0\0", "h one", "x"])
def test_a_line_that_is_none_of_ours_costs_only_the_belief_that_all_is_there(line: str, tmp_path: Path) -> None:
    journal = Journal(tmp_path, "abc")
    journal.marked([1, 2])
    with (tmp_path / "abc.journal").open("a") as file:
        file.write(line + "\n")
    journal.sending([1])
    journal.close(settled=False)
    (left,) = dead_journals(tmp_path)
    assert (left.whole, left.sending, left.never_left) == (False, {1}, set())


def test_half_a_line_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, "abc")
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, data: write(file, data[:-2]))
        with pytest.raises(OSError, match="No space left"):
            journal.sending([77])
    outcome = SmtpResult(1, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 ok", "mx:25", ".")
    journal.results([outcome])  # there is room again
    journal.close(settled=False)
    (left,) = dead_journals(tmp_path)
    assert (left.whole, left.sending, left.results) == (True, set(), {1: outcome})


def test_a_journal_that_cannot_be_begun_leaves_nothing_open_and_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda file, data: 0)
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            Journal(tmp_path, "abc")
    assert len(list(Path("/dev/fd").iterdir())) == before
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_is_taken_for_a_dead_workers_before_it_is_locked_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[DeadJournal] = []
    flock, files = fcntl.flock, []

    def between(file: int, how: int) -> None:
        if how == fcntl.LOCK_EX and not files:  # it is there, and not locked yet
            files.append(file)
            seen.extend(dead_journals(tmp_path))
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", between)
    journal = Journal(tmp_path, "abc")
    journal.sending([1])
    assert (len(files), seen) == (1, [])
    assert list(dead_journals(tmp_path)) == []  # it lives
    journal.close(settled=False)
    assert [left.sending for left in dead_journals(tmp_path)] == [{1}]


def test_a_file_that_took_the_name_of_one_that_is_gone_is_not_read_as_a_dead_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal(tmp_path, "abc").close(settled=False)
    flock, living = fcntl.flock, []

    def between(file: int, how: int) -> None:
        if how != fcntl.LOCK_EX and not living:  # opened by us, and dealt with by another before we have locked it
            (tmp_path / "abc.journal").unlink()
            living.append(Journal(tmp_path, "abc"))
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", between)
    assert list(dead_journals(tmp_path)) == []
    living[0].close(settled=True)


def test_a_journal_without_a_word_goes(tmp_path: Path) -> None:
    (tmp_path / "abc.journal").touch()
    assert list(dead_journals(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_with_the_disk_full_nothing_may_leave(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    journal = Journal(tmp_path, "abc")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._file)
    with pytest.raises(OSError, match="No space left"):
        journal.sending([1])
    os.close(full)
    journal.close(settled=True)


def test_a_settled_journal_leaves_no_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "abc")
    journal.sending([1])
    journal.close(settled=True)
    assert list(tmp_path.iterdir()) == []
