"""What is sealed for one part is read by that part, as often as it is started, and is closed to the others."""

import os
from pathlib import Path

import pytest

from newsletter.supervisor.sealed import VARIABLE, Sealed, seal


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    """Two environments, a lock, and one for all parts."""
    lock, parts = (os.open(tmp_path / name, os.O_RDWR | os.O_CREAT) for name in ("lock", "parts"))
    return Sealed(lock, parts, True, {"web": seal({"A": "1", "B": "é" * 100_000}), "beat": seal({"A": "2"})})


def _in_a_fork(sealed: Sealed, name: str) -> int:
    """0: it read what is its own, and nothing of ours is open there any more, but the lock of all parts."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    ok = sealed.open(name)["A"] == {"web": "1", "beat": "2"}[name]
    ok = ok and bool(os.fstat(sealed.parts))
    for number in (sealed.lock, *sealed.environments.values()):
        try:
            os.fstat(number)
            ok = False
        except OSError:
            continue
    os._exit(0 if ok else 1)


def test_each_part_reads_its_own_every_time_that_it_is_started(sealed: Sealed) -> None:
    assert [_in_a_fork(sealed, name) for name in ("web", "beat", "web", "web")] == [0, 0, 0, 0]


def test_another_program_that_this_one_becomes_finds_it_again(sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert Sealed.found() is None
    monkeypatch.setenv(VARIABLE, sealed.as_variable)
    assert Sealed.found() == sealed
    assert all(os.get_inheritable(number) for number in sealed.environments.values())
    assert sealed.open("web") == {"A": "1", "B": "é" * 100_000}
