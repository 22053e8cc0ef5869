"""Beat's metronome: what is published, and what an idle second costs."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import Celery
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from newsletter import jobs, looks
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.subscribers import Stream, Subscriber
from newsletter.workers import AlignedScheduler, DueCheck, _ease_session, make_celery
from tests.conftest import NOON

UNASKED = {"read-inboxes", "recover-messages", "remind-and-forget", "watch-guides", "sweep", "witness", "write-clicks"}
"""Ticks of which a look would cost as much as the tick."""


class _Beat:
    """A metronome that is asked by hand, tick by tick; what it published."""

    def __init__(self, due_check: DueCheck, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        monkeypatch.setattr("newsletter.workers.time", SimpleNamespace(monotonic=lambda: self.seconds))
        app = Celery("test", broker="memory://", set_as_current=False)
        app.conf.beat_schedule = jobs.beat_table(2)
        app.tasks.clear()  # Celery gives every app the tasks that another one has registered
        self.scheduler = AlignedScheduler(app=app, due_check=due_check)
        self.published: list[str] = []
        self.scheduler.send_task = self._publish

    def _publish(self, task: str, args: list[str], *_: object, **__: object) -> None:
        self.published.append(" ".join([task, *args]))

    def go_by(self, seconds: float) -> list[str]:
        """So much time; what is published then, when every tick is due."""
        self.seconds += seconds
        self.published = []
        for entry in self.scheduler.schedule.values():
            self.scheduler.apply_async(entry)
        return sorted(self.published)


@pytest.fixture
def looked_at(database: Database) -> Iterator[list[str]]:
    """Every statement that the database is asked."""
    seen: list[str] = []
    listen = lambda *args: seen.append(args[2])  # noqa: E731
    event.listen(database.engine, "before_cursor_execute", listen)
    yield seen
    event.remove(database.engine, "before_cursor_execute", listen)


@pytest.fixture
def beat(runtime: Runtime, database: Database, monkeypatch: pytest.MonkeyPatch) -> _Beat:
    """Beat beside this test's database, in its first second."""
    due_check = DueCheck(runtime.settings)
    due_check.open = lambda: (database, runtime.clock)  # type: ignore[method-assign]
    return _Beat(due_check, monkeypatch)


def test_an_idle_tick_publishes_nothing_and_looks_a_few_times(beat: _Beat, looked_at: list[str]) -> None:
    first = beat.go_by(0)
    assert len(first) == len(jobs.beat_table(2)), "who has just started knows nothing"
    looked_at.clear()
    assert beat.go_by(1) == sorted(jobs.beat_table(2)[name]["task"] for name in UNASKED)
    assert {words.split()[0] for words in looked_at} <= {"BEGIN", "SELECT"}
    assert sum(words != "BEGIN" for words in looked_at) == 1


def test_after_some_seconds_every_tick_goes_out_whatever_a_look_says(beat: _Beat) -> None:
    first = beat.go_by(0)
    assert len(beat.go_by(jobs.PUBLISH_ANYWAY_AFTER)) == len(UNASKED)
    assert beat.go_by(1) == first


def test_what_is_due_is_published_at_once(beat: _Beat, database: Database, person: Callable[..., int]) -> None:
    beat.go_by(0)
    person("jane@example.com")
    with database.transaction() as session:
        ledger.queue(session, session.scalars(select(Subscriber)).one(), Stream.GUIDE, "guide:x:1", NOON)
    published = beat.go_by(1)
    assert "deliver transactional" in published
    assert "deliver bulk" not in published


def test_where_a_look_is_not_to_be_had_the_workers_look(beat: _Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> dict[str, bool]:
        raise OperationalError("SELECT", {}, Exception("the database is away"))

    first = beat.go_by(0)
    monkeypatch.setattr(looks, "seen_by", away)
    assert beat.go_by(1) == first


def test_ticks_fall_together(beat: _Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    at = [NOON + timedelta(seconds=0.7)]
    for entry in (schedule := beat.scheduler.schedule).values():
        monkeypatch.setattr(entry.schedule, "now", lambda: at[0])
        entry.last_run_at = at[0]
    moments = {name: entry.is_due() for name, entry in schedule.items()}
    assert not any(due for due, _ in moments.values())
    assert {round(wait, 3) for name, (_, wait) in moments.items() if name.startswith("deliver")} == {0.3}
    at[0] = NOON + timedelta(seconds=1)
    assert {name for name, entry in schedule.items() if entry.is_due().is_due} >= {"launch-campaigns", "tend-campaigns"}
    at[0] = NOON - timedelta(hours=1)  # the clock was set
    assert all(entry.is_due().is_due and 0 < entry.is_due().next <= 300 for entry in schedule.values())


def test_every_look_belongs_to_a_tick() -> None:
    ticks = {name for name in jobs.beat_table(2) if looks.look_before(name)}
    assert {name.rstrip("-01") for name in ticks} == looks.LOOKS.keys()
    assert jobs.beat_table(2).keys() - ticks == UNASKED


def test_beat_needs_no_key(tmp_path: Path) -> None:
    settings = load({"DATA_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0"})
    scheduler = make_celery(settings).conf.beat_scheduler
    scheduler = scheduler(app=Celery("test", broker="memory://", set_as_current=False), lazy=True)
    assert scheduler._is_wanted("launch-campaigns")
    assert not (tmp_path / "secret_key").exists()


class _Autogroup:
    """The file of a session; the kernel is busy with others for some tries."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.written: list[str] = []

    def write_text(self, nice: str) -> None:
        """Take it, or raise as the kernel does."""
        if (answer := self.answers.pop(0)) is not None:
            raise answer
        self.written.append(nice)


@pytest.mark.parametrize(
    ("answers", "written"),
    [((None,), ["4"]), ((BlockingIOError(), BlockingIOError(), None), ["4"]), ((PermissionError(),), [])],
)
def test_a_kernel_that_is_busy_with_other_sessions_is_asked_again(
    answers: tuple[Exception | None, ...], written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.workers.time", SimpleNamespace(sleep=lambda _: None))
    group = _Autogroup(*answers)
    _ease_session(group)  # type: ignore[arg-type]
    assert (group.written, group.answers) == (written, [])
