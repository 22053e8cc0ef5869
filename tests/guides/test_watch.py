"""The owner hears of a guide that cannot be sent: once a day, and not while it is being copied."""

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter import accounts, guides, jobs
from newsletter.guides import Files
from newsletter.runtime import Runtime
from tests.conftest import NOON, InlineTrigger

OWNER = "owner@example.org"


@pytest.fixture
def folder(runtime: Runtime, tmp_path: Path) -> Path:
    made = tmp_path / "guides"
    shutil.copytree(runtime.guides.shipped, made)
    runtime.guides = Files(made, made)
    with runtime.database.transaction() as session:
        accounts.create(session, OWNER, "a good password", NOON)
    return made


def _watch(runtime: Runtime, after: timedelta = timedelta()) -> list[str]:
    with runtime.database.transaction() as session:
        now = NOON + after
        return guides.watch(session, runtime.guides, now, now)


def test_whole_guides_are_no_news(folder: Path, runtime: Runtime) -> None:
    assert _watch(runtime) == []


def test_a_missing_guide_is_told_once_a_day(
    folder: Path, runtime: Runtime, trigger: InlineTrigger, inbox: Callable[[str], list[EmailMessage]]
) -> None:
    (folder / "exercise-at-50.pdf").unlink()
    for hours in (0, 1, 24):
        assert _watch(runtime, timedelta(hours=hours)) == ["exercise-at-50"]
    runtime.clock.forward(timedelta(hours=24))  # type: ignore[attr-defined]
    trigger.wake()
    assert [mail["subject"] for mail in inbox(OWNER)] == [
        "The guide “Everything you need to know about exercise at 50 and beyond” cannot be sent"
    ] * 2


def test_one_that_is_being_copied_gets_time(folder: Path, runtime: Runtime) -> None:
    file = folder / "exercise-at-50.pdf"
    file.write_bytes(file.read_bytes()[:1000])
    for ago, told in ((timedelta(seconds=30), []), (timedelta(minutes=10), ["exercise-at-50"])):
        written = (NOON - ago).timestamp()
        os.utime(file, (written, written))
        assert _watch(runtime) == told


def test_beat_looks(
    folder: Path, runtime: Runtime, trigger: InlineTrigger, inbox: Callable[[str], list[EmailMessage]]
) -> None:
    (folder / "recover-from-pain.pdf").unlink()
    jobs.watch_guides(runtime, lambda: False)
    trigger.wake()
    assert len(inbox(OWNER)) == 1
