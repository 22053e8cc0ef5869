"""Restore a backup over the current data, completely or not at all, even if killed half-way.

Everything is unpacked, checked, migrated and locked in a staging folder. Then one file, the plan, lists what replaces
what. Until the plan exists nothing has changed; once it does, every start completes it (`finish`). On PostgreSQL the
database is replaced in a single transaction.
"""

import json
import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from newsletter import installation, schema
from newsletter.backup import carry, postgres, sqlite
from newsletter.backup.archive import CLOCK, GUIDES, KEY, MEDIA, OLD_KEYS, POSTGRESQL, SQLITE, Archive, BadBackup, Tick
from newsletter.db import Database
from newsletter.installation import LockReason
from newsletter.links import Signer
from newsletter.mail.ledger import Message
from newsletter.settings import ROOT, Settings

CARRIED = "gone.json"
STAGE = "restore-"


class NotRestored(Exception):
    """The backup does not fit this installation, or it is running; the message says what to do. Nothing has changed."""


@dataclass(frozen=True)
class Restored:
    """What a restore did. `carried`: people changed by what they did since; None if the old data was unreadable."""

    carried: int | None


def check(settings: Settings, archive: Archive) -> None:
    """Check that this backup fits this installation. Raises NotRestored and BadBackup."""
    told, here = archive.manifest, Database(settings.database)
    kind = "sqlite" if here.is_sqlite else "postgresql"
    if told.database != kind:
        raise NotRestored(
            f"This backup is of {told.database}, and DATABASE_URL names {kind}: set it to a {told.database} database."
        )
    if not schema.knows(told.schema):
        raise NotRestored(f"This backup was written by a newer version ({told.version}): update the program first.")
    key = archive.read(KEY)
    if Signer(key).key_print != told.key_fingerprint:
        raise NotRestored("The key in this backup is not the one its links are signed with; take another backup.")
    given = settings.secret_key.get_secret_value()
    if given and given.encode() != key:
        raise NotRestored(
            "SECRET_KEY is not the key of this backup, so no link in mails that were sent would work. Set it to the "
            "backup's key, or unset it: then the key in the backup is used."
        )


def restore(settings: Settings, archive: Archive, now: datetime, tick: Tick,
            guides: Path = ROOT / "static" / "guides") -> Restored:  # fmt: skip
    """Restore a backup. The caller holds the data folder's lock. Raises NotRestored and BadBackup."""
    check(settings, archive)
    database = Database(settings.database)
    try:
        _check_unused(database)
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        sweep(settings)
        stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=settings.data_dir))
        try:
            _stage(settings, archive, database, stage, guides, now, tick)
        except BaseException:
            if not installation.restore_plan(settings.data_dir).exists():
                shutil.rmtree(stage, ignore_errors=True)
            raise
    finally:
        database.dispose()
    return Restored(finish(settings))


def _check_unused(database: Database) -> None:
    if database.is_sqlite:
        if sqlite.is_in_use(sqlite.file_of(database)):
            raise NotRestored("The database is in use: stop the product and its workers first, then restore again.")
    elif others := postgres.others(database):
        raise NotRestored(
            f"The database has {others} other connection{'s' if others > 1 else ''}: stop the product and its workers "
            "on every host first, then restore again."
        )


def _stage(settings: Settings, archive: Archive, database: Database, stage: Path, guides: Path, now: datetime,
            tick: Tick) -> None:  # fmt: skip
    moves: list[tuple[str, str]] = []
    for name in archive.names:
        archive.unpack(name, stage / name, tick)
        if target := _target_of(settings, name, guides):
            moves.append((name, str(target)))
    if database.is_sqlite:
        fresh = stage / SQLITE
        sqlite.check(fresh, archive.manifest.counts)
        _prepare(fresh, archive, now)
        moves.append((SQLITE, str(sqlite.file_of(database))))
    if (gone := carry.gather(database, archive.manifest.key_fingerprint)) is not None:
        carry.keep(gone, stage / CARRIED)
    _sync(stage)
    mark = "" if database.is_sqlite else secrets.token_hex(16)
    _write_plan(installation.restore_plan(settings.data_dir), {"stage": stage.name, "moves": moves, "mark": mark})
    if mark:
        try:
            postgres.load(database, stage / POSTGRESQL, _lock_statement(archive, mark, now), stage, tick)
        except BadBackup:
            installation.restore_plan(settings.data_dir).unlink()  # the transaction was rolled back
            raise


def _target_of(settings: Settings, name: str, guides: Path) -> Path | None:
    if name == KEY:
        return None if settings.secret_key.get_secret_value() else settings.data_dir / "secret_key"
    if name == OLD_KEYS:
        return settings.data_dir / OLD_KEYS
    if name == CLOCK:
        return settings.data_dir / "clock"
    if name.startswith(GUIDES):
        return guides / name.removeprefix(GUIDES)
    if name.startswith(MEDIA):
        return settings.data_dir / name
    return None


def _prepare(file: Path, archive: Archive, now: datetime) -> None:
    """Migrate and lock the unpacked database before anything can use it."""
    database = Database(f"sqlite:///{file}")
    try:
        schema.upgrade(database)
        with database.transaction() as session:
            newest = session.scalar(select(func.max(Message.id))) or 0
            here = installation.current(session)
            here.unlock()  # the backup may have been locked itself; the new lock replaces that
            here.lock(LockReason.RESTORED, newest, archive.manifest.created, now)
    finally:
        database.dispose()
    sqlite.is_in_use(file)  # leaves WAL mode, so that the database is a single file


def _lock_statement(archive: Archive, mark: str, now: datetime) -> str:
    """The transaction's last statement; its mark tells a later start that the load was committed."""
    stands = archive.manifest.created.isoformat()
    return (
        f"UPDATE installation SET locked_at = '{now.isoformat()}', lock_reason = 'restored', "  # noqa: S608 - our own
        f"witness = '{mark}', stands_at = '{stands}', locked_above = (SELECT coalesce(max(id), 0) FROM messages);\n"
    )


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o644 if path.parent.name == GUIDES.rstrip("/") else 0o600)
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _write_plan(plan: Path, told: dict[str, object]) -> None:
    half = plan.parent / str(told["stage"]) / "plan"
    half.write_text(json.dumps(told))
    with half.open("rb") as file:
        os.fsync(file.fileno())
    half.replace(plan)
    folder = os.open(plan.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def finish(settings: Settings) -> int | None:
    """Complete a planned restore, interrupted or not; returns `Restored.carried`, None without a plan.

    Called at every start; without a plan it costs one file check.
    """
    plan = installation.restore_plan(settings.data_dir)
    if not plan.exists():
        return None
    told = json.loads(plan.read_text())
    stage, carried = settings.data_dir / told["stage"], None
    if not told["mark"] or _has_mark(settings, told["mark"]):
        for name, target in told["moves"]:
            if (stage / name).exists():
                _replace(stage / name, Path(target))
        carried = _carry(settings, stage / CARRIED)
    plan.unlink(missing_ok=True)
    shutil.rmtree(stage, ignore_errors=True)
    return carried


def sweep(settings: Settings) -> None:
    """Remove the leftovers of a restore killed before it had a plan. The caller holds the data folder's lock."""
    if not installation.restore_plan(settings.data_dir).exists():
        for left in settings.data_dir.glob(f"{STAGE}*/"):
            shutil.rmtree(left)


def _has_mark(settings: Settings, mark: str) -> bool:
    """Whether the server committed the load; if not, nothing changed."""
    database = Database(settings.database)
    try:
        with database.reading() as session:
            return installation.current(session).witness == mark
    except SQLAlchemyError:  # not committed, and the database was empty or unreadable before
        return False
    finally:
        database.dispose()


def _replace(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.name == SQLITE:  # the old database's WAL must not be applied to the new one
        for beside in ("-wal", "-shm", "-journal"):
            target.with_name(target.name + beside).unlink(missing_ok=True)
    with suppress(FileNotFoundError):  # another start moved it first
        try:
            source.replace(target)
        except OSError:  # on another file system: copy next to the target, then rename
            half = target.with_name(f".{target.name}.restored")
            shutil.copy2(source, half)
            half.replace(target)
            source.unlink()


def _carry(settings: Settings, file: Path) -> int | None:
    if not file.exists():
        return None
    database = Database(settings.database)
    try:
        schema.upgrade(database)
        with database.transaction() as session:
            return carry.carry(session, file, settings.secrets)
    finally:
        database.dispose()
