"""A restore that is killed at any step leaves the old state or the new one; and PostgreSQL's programs."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter import backup, installation
from newsletter.backup import postgres, restoring
from newsletter.runtime import Runtime
from tests.backup.conftest import nothing, people, put_back, statuses
from tests.conftest import NOON


class _Killed(BaseException):
    """kill -9, as far as one process can play it: nothing after it runs."""


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_killed_at_any_step_it_is_the_old_one_or_the_new_one(
    file: Path, first: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every call that changes something on the disk is the last one once; then a start finds one of the two states."""
    seen = set()
    for step in range(40):
        people(first, "late@example.com")
        first.guides.of("recover-from-pain").write_bytes(b"the newer guide")
        killed = _killed_at(step, file, first, monkeypatch)
        backup.finish(first.settings)  # what every start does
        backup.sweep(first.settings)
        state = (len(statuses(first)), first.guides.of("recover-from-pain").read_bytes())
        with first.database.reading() as session:
            is_locked = installation.current(session).is_locked
        assert (*state, is_locked) in (
            (3, b"the newer guide", False), (2, b"%PDF-1.7 another %%EOF", True)
        ), step  # fmt: skip
        seen.add(is_locked)
        assert sorted(path.name for path in first.settings.data_dir.glob("restore*")) == []
        with first.database.transaction() as session:
            installation.current(session).unlock()
        if not killed:
            break
    assert seen == {True, False}
    assert not killed, "there were more steps than were tried"


def _killed_at(step: int, file: Path, first: Runtime, monkeypatch: pytest.MonkeyPatch) -> bool:
    left = [step]

    def counted(change: Callable[..., object]) -> Callable[..., object]:
        def called(*args: object, **kwargs: object) -> object:
            if left[0] == 0:
                raise _Killed
            left[0] -= 1
            return change(*args, **kwargs)

        return called

    with monkeypatch.context() as patched:
        for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync")):
            patched.setattr(owner, name, counted(getattr(owner, name)))
        patched.setattr(shutil, "rmtree", counted(shutil.rmtree))
        try:
            put_back(first, file)
        except _Killed:
            return True
    return False


@pytest.mark.real
@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_a_plan_that_the_server_never_carried_out_is_dropped(
    file: Path, first: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(first, "late@example.com")
    first.guides.of("recover-from-pain").write_bytes(b"the newer guide")

    def killed(*_: object) -> None:
        raise _Killed

    for at, left, guide in (("load", 3, b"the newer guide"), ("finish", 2, b"%PDF-1.7 another %%EOF")):
        with monkeypatch.context() as patched:
            patched.setattr(postgres if at == "load" else restoring, at, killed)
            with pytest.raises(_Killed):
                put_back(first, file)
        backup.finish(first.settings)
        assert len(statuses(first)) == left
        assert first.guides.of("recover-from-pain").read_bytes() == guide
        assert sorted(path.name for path in first.settings.data_dir.glob("restore*")) == []


# PostgreSQL's programs


def test_programs_that_are_missing_or_too_old_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(postgres, "PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(postgres.NoProgram, match="is not installed"):
        postgres.find("pg_dump", 18)
    for version, name in ((15, "pg_dump"), (18, "psql")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}.3 (Debian {version}.3-1)'\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(postgres.NoProgram, match="of PostgreSQL 15, and the server is 18"):
        postgres.find("pg_dump", 18)
    assert postgres.find("psql", 18) == str(tmp_path / "psql")


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_a_program_that_complains_at_length_is_heard_to_its_end(
    first: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """More than a pipe holds: it would wait for whoever reads it."""
    programs = tmp_path / "programs"
    programs.mkdir()
    complains = f"{sys.executable} -c 'print(\"no room on the disk\\n\" * 20000)' >&2"
    (programs / "pg_dump").write_text(
        f"#!/bin/sh\n[ \"$1\" = --version ] && echo 'pg_dump (PostgreSQL) 99.1' && exit\n{complains}\nexit 1\n"
    )
    (programs / "pg_dump").chmod(0o755)
    monkeypatch.setattr(postgres, "PLACES", ())
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(backup.BadBackup, match="no room on the disk"):
        backup.write(first, tmp_path / "news.zip", NOON, nothing)
