"""SQLite: copied with the online backup API while others write; verified before it is restored."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from newsletter.backup.archive import BadBackup, Tick
from newsletter.db import Database

PAGES = 2_000
"""Copied per step: 8 MB."""


def file_of(database: Database) -> Path:
    """The path of the database file."""
    return Path(str(make_url(str(database.engine.url)).database))


def dump(database: Database, target: Path, tick: Tick) -> dict[str, int]:
    """Copy one snapshot to `target`; returns the number of rows by table. Concurrent writes are not included."""
    source = sqlite3.connect(f"file:{file_of(database)}?mode=ro", uri=True, isolation_level=None)
    with closing(source), closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.execute("PRAGMA busy_timeout = 20000")
        # Hold a read transaction during the copy: otherwise every write by others restarts it.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        page = int(source.execute("PRAGMA page_size").fetchone()[0])
        done = [0]

        def progress(_status: int, left: int, total: int) -> None:
            tick((total - left - done[0]) * page)
            done[0] = total - left

        source.backup(copy, pages=PAGES, progress=progress, sleep=0.0)
        copy.execute("PRAGMA journal_mode = DELETE")  # leaves WAL mode, so that the copy is a single file
        return counts(copy)


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Number of rows by table."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {
        name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608 - our own tables
        for (name,) in names.fetchall()
    }


def check(file: Path, expected: dict[str, int]) -> None:
    """Verify an unpacked database: its integrity and row counts. Raises BadBackup."""
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            (told,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            found = counts(connection)
    except sqlite3.DatabaseError as error:
        raise BadBackup(f"The database in the backup cannot be read ({error}).") from None
    if told != "ok" or found != expected:
        raise BadBackup("The database in the backup is damaged, or not the one that its manifest speaks of.")


def is_in_use(file: Path) -> bool:
    """Whether another process has this database open: leaving WAL mode needs it alone. WAL mode is set again later."""
    if not file.exists():
        return False
    try:
        with closing(sqlite3.connect(file, isolation_level=None, timeout=0.5)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        return True
    except sqlite3.DatabaseError:
        return False  # not a database, so nobody has it open
    return False
