"""The installation: what counts as the same place, what does not, and what the send lock holds."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select, text

from newsletter import accounts, articles, installation, jobs, journey, sequences
from newsletter.campaigns import Campaign, CampaignState
from newsletter.db import Database
from newsletter.installation import Home, LockReason
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, State
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence
from newsletter.settings import Settings, load
from newsletter.subscribers import Stream, Subscriber, read_address, register
from newsletter.supervisor.prepare import prepare
from tests.conftest import NOON, InlineTrigger

Inbox = Callable[[str], list[EmailMessage]]
MACHINE = "4c4c4544-machine"
HERE = Home(7, 100, 90, MACHINE, "/srv/news/home", has_witness=True)


# Where it lives


@pytest.mark.parametrize(
    ("now", "same"),
    [
        (HERE, True),
        (replace(HERE, path="/srv/renamed/home"), True),
        (replace(HERE, changed=200), True),  # chown -R, on the same machine
        (replace(HERE, machine="", path="/data/home"), True),  # another container on the same volume
        (replace(HERE, inode=8, changed=200), False),  # a copy beside it
        (replace(HERE, machine="another"), False),  # the disk of a machine that was cloned
        (replace(HERE, inode=8, machine="another", changed=200), False),
        (replace(HERE, changed=200, written=200), False),  # written over by cp
        (Home(cluster="1/2/3"), False),
    ],
)
def test_marks_of_a_place(now: Home, same: bool) -> None:
    assert now.is_same_as(replace(HERE, path="/").facts) is same


def test_a_move_to_another_disk_is_told_from_a_copy_by_what_is_left(tmp_path: Path) -> None:
    old = replace(HERE, path=str(tmp_path / "home"))
    now = replace(HERE, inode=9, changed=300, path="/elsewhere/home")
    assert now.is_same_as(old.facts)
    (tmp_path / "home").write_text("")
    assert not now.is_same_as(old.facts)


# A start, with real files


def _settings(folder: Path, url: str = "") -> Settings:
    return load({"DATA_DIR": str(folder), "DATABASE_URL": url, "SECRET_KEY": "k" * 40})


def _lock(settings: Settings) -> LockReason | None:
    prepare(settings)
    database = Database(settings.database)
    try:
        with database.transaction() as session:
            here = installation.current(session)
            reason = here.lock_reason
            here.unlock()
            return reason
    finally:
        database.dispose()


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    """An installation in a folder, started once, with a reader."""
    settings = _settings(tmp_path / "var")
    settings.data_dir.mkdir()
    assert _lock(settings) is None
    _with_database(settings, lambda session: register(session, read_address("jane@example.com"), NOON))
    return settings


def _with_database(settings: Settings, change: Callable[..., object]) -> None:
    database = Database(settings.database)
    with database.transaction() as session:
        change(session)
    database.dispose()


def test_started_again_it_is_at_home(house: Settings) -> None:
    assert [_lock(house) for _ in range(3)] == [None] * 3


def test_a_folder_that_was_renamed_is_the_same(house: Settings, tmp_path: Path) -> None:
    house.data_dir.rename(tmp_path / "renamed")
    assert _lock(_settings(tmp_path / "renamed")) is None


def test_owners_and_modes_may_change(house: Settings) -> None:
    for path in house.data_dir.rglob("*"):
        path.chmod(0o640)
        os.chown(path, os.getuid(), os.getgid())
    assert _lock(house) is None


def test_a_copy_of_the_folder_is_locked_and_the_first_is_not(house: Settings, tmp_path: Path) -> None:
    shutil.copytree(house.data_dir, tmp_path / "copy")  # with the times, as `cp -a` and rsync do
    copy = _settings(tmp_path / "copy")
    assert _lock(copy) is LockReason.COPIED
    assert _lock(copy) is None, "once its owner has unlocked it, it is at home there"
    assert _lock(house) is None


def test_a_database_alone_in_another_folder_is_locked(house: Settings, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(house.data_dir / "newsletter.sqlite3", tmp_path / "other")
    assert _lock(_settings(tmp_path / "other")) is LockReason.COPIED


def test_an_older_state_put_back_over_the_file_is_locked(house: Settings, tmp_path: Path) -> None:
    file = house.data_dir / "newsletter.sqlite3"
    shutil.copy(file, tmp_path / "kept")
    _beat(house)
    _beat(house)
    file.write_bytes((tmp_path / "kept").read_bytes())  # the same inode, as `cp` over it leaves it
    assert _lock(house) is LockReason.SWAPPED


def _beat(settings: Settings) -> None:
    def turned(session: object) -> None:
        here = installation.current(session)  # type: ignore[arg-type]
        here.witness = installation.keep_witness(settings.data_dir, here.witness)

    _with_database(settings, turned)


def test_a_crash_between_the_file_and_the_database_is_no_alarm(house: Settings) -> None:
    _beat(house)
    database = Database(house.database)
    with database.reading() as session:
        word = installation.current(session).witness
    database.dispose()
    installation.keep_witness(house.data_dir, word)  # and then the power went
    assert _lock(house) is None


def test_a_new_database_in_an_old_folder_has_nobody_to_write_to(house: Settings) -> None:
    for left in house.data_dir.glob("newsletter.sqlite3*"):
        left.unlink()
    assert _lock(house) is None


def test_on_postgresql_a_table_that_was_loaded_anew_is_another(tmp_path: Path, database_url: str) -> None:
    settings = _settings(tmp_path, database_url)
    assert _lock(settings) is None
    _with_database(settings, lambda session: register(session, read_address("jane@example.com"), NOON))
    assert _lock(settings) is None
    if database_url.startswith("sqlite"):
        return

    def loaded(session: object) -> None:
        for statement in (
            "CREATE TABLE again (LIKE installation INCLUDING ALL)", "INSERT INTO again SELECT * FROM installation",
            "DROP TABLE installation", "ALTER TABLE again RENAME TO installation",
        ):  # fmt: skip
            session.execute(text(statement))  # type: ignore[attr-defined]

    _with_database(settings, loaded)
    assert _lock(settings) is LockReason.COPIED


# What the lock holds


@pytest.fixture
def locked(runtime: Runtime, person: Callable[..., int]) -> int:
    """Jane, in an installation that was restored in the middle of everything."""
    jane = person("jane@example.com", "Jane")
    joe = person("joe@example.com", confirmed=False)
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        reader, pending = session.get_one(Subscriber, jane), session.get_one(Subscriber, joe)
        words = articles.write(session, now, title="Golf", subject="Golf", body="x")
        session.add(Campaign(article=words, stored_state=CampaignState.SCHEDULED, scheduled_at=now, created_at=now))
        ledger.queue(session, reader, Stream.STEP, "step:1:1", now, revision=words.current)
        ledger.queue(session, reader, Stream.GOODBYE, "goodbye:1", now, context={})
        ledger.queue(session, pending, Stream.GOODBYE, "goodbye:2", now, context={})
        session.flush()
        newest = max(session.scalars(select(Message.id)))
        installation.current(session).lock(LockReason.RESTORED, newest, now, now)
        accounts.create(session, "owner@example.org", "a good password", now)
    return jane


def _turn_everything(runtime: Runtime, trigger: InlineTrigger) -> None:
    jobs.launch_campaigns(runtime, lambda: False, lambda: None)
    for job in (jobs.advance_sequences, jobs.remind_and_forget, jobs.recover_messages):
        job(runtime, lambda: False)
    trigger.wake()


def test_nothing_goes_by_itself_and_nothing_is_lost(
    locked: int, runtime: Runtime, trigger: InlineTrigger, inbox: Inbox
) -> None:
    for _ in range(40):
        _turn_everything(runtime, trigger)
        runtime.clock.forward(timedelta(hours=12))  # type: ignore[attr-defined]
    assert inbox("jane@example.com") == inbox("joe@example.com") == []
    with runtime.database.reading() as session:
        assert set(session.scalars(select(Message.state))) == {State.READY}
        assert CampaignState.SENDING not in session.scalars(select(Campaign.stored_state)).all()
        assert session.scalars(select(Subscriber).where(Subscriber.email == "joe@example.com")).one()


def test_what_somebody_asks_for_now_goes(locked: int, runtime: Runtime, trigger: InlineTrigger, inbox: Inbox) -> None:
    with runtime.database.transaction() as session:
        asked = journey.SignUp(read_address("new@example.com"), "exercise-at-50", False, "words")
        journey.subscribe(session, runtime, asked, runtime.clock.now())
    _turn_everything(runtime, trigger)
    assert len(inbox("new@example.com")) == 1
    assert inbox("jane@example.com") == []


def test_leaving_holds_at_once(locked: int, runtime: Runtime, trigger: InlineTrigger, inbox: Inbox) -> None:
    with runtime.database.transaction() as session:
        journey.unsubscribe(session, session.get_one(Subscriber, locked), runtime.clock.now(), goodbye=True)
        installation.current(session).unlock()
    _turn_everything(runtime, trigger)
    assert {mail["subject"] for mail in inbox("jane@example.com")} == {"You are unsubscribed"}


def test_a_series_that_starts_now_waits_too(
    locked: int, runtime: Runtime, trigger: InlineTrigger, inbox: Inbox
) -> None:
    with runtime.database.transaction() as session:
        series = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert series is not None
        jane = session.get_one(Subscriber, locked)
        assert sequences.enroll(session, jane, series, "Europe/London", runtime.clock.now())
    for _ in range(10):
        runtime.clock.forward(timedelta(days=1))  # type: ignore[attr-defined]
        _turn_everything(runtime, trigger)
    assert inbox("jane@example.com") == []
    with runtime.database.reading() as session:
        assert session.scalars(select(Enrollment.message_id)).all() == [None]


def test_a_second_lock_keeps_what_the_first_one_knows(locked: int, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        here = installation.current(session)
        above = here.locked_above
        here.lock(LockReason.COPIED, 99, None, NOON)
        assert (here.lock_reason, here.locked_above) == (LockReason.RESTORED, above)
