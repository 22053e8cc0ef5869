"""SQLite: copied by its online backup while others write, and read through before it is put anywhere."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from newsletter.backup.archive import BadBackup, Tick
from newsletter.db import Database

PAGES = 2_000
"""Copied in one step: eight megabytes."""


def file_of(database: Database) -> Path:
    """Where its file is."""
    return Path(str(make_url(str(database.engine.url)).database))


def dump(database: Database, target: Path, tick: Tick) -> dict[str, int]:
    """Copy the state of one moment; rows by table. Writers go on meanwhile (WAL), and are not in it."""
    source = sqlite3.connect(f"file:{file_of(database)}?mode=ro", uri=True, isolation_level=None)
    with closing(source), closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.execute("PRAGMA busy_timeout = 20000")
        # A read that lasts as long as the copy: without it the copy would begin anew whenever somebody writes.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        page = int(source.execute("PRAGMA page_size").fetchone()[0])
        done = [0]

        def progress(_status: int, left: int, total: int) -> None:
            tick((total - left - done[0]) * page)
            done[0] = total - left

        source.backup(copy, pages=PAGES, progress=progress, sleep=0.0)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, and nothing beside it
        return counts(copy)


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows by table."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {
        name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608 - our own tables
        for (name,) in names.fetchall()
    }


def check(file: Path, expected: dict[str, int]) -> None:
    """Read all of a database that was unpacked. Raises BadBackup."""
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            (told,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            found = counts(connection)
    except sqlite3.DatabaseError as error:
        raise BadBackup(f"The database in the backup cannot be read ({error}).") from None
    if told != "ok" or found != expected:
        raise BadBackup("The database in the backup is damaged, or not the one that its manifest speaks of.")


def is_in_use(file: Path) -> bool:
    """Whether another process has this database open. Leaving the WAL mode needs it alone; ours is set anew later."""
    if not file.exists():
        return False
    try:
        with closing(sqlite3.connect(file, isolation_level=None, timeout=0.5)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        return True
    except sqlite3.DatabaseError:
        return False  # no database any more: nobody can have it open
    return False
