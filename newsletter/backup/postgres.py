"""PostgreSQL: dump and load with pg_dump and psql, each in one transaction."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, text

from newsletter.backup.archive import BadBackup, Tick
from newsletter.db import Database

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")
"""Where packages install each version's programs; searched in addition to PATH."""
# Drops all our tables and functions before the load; objects of extensions stay.
EMPTY = """
SET lock_timeout = '10s';
DO $$
DECLARE one record;
BEGIN
  FOR one IN SELECT c.oid::regclass AS name FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') LOOP
    EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', one.name);
  END LOOP;
  FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc p
      WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
    EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', one.name);
  END LOOP;
END $$;
"""


class NoProgram(BadBackup):
    """pg_dump or psql is missing or older than the server; the message says what to install."""


def dump(database: Database, target: Path, tick: Tick) -> dict[str, int]:
    """Write one snapshot as SQL; returns the number of rows by table. Raises NoProgram and BadBackup."""
    with database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        program = find("pg_dump", _version(connection))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        found = counts(connection)
        options = ["--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
        target.touch(mode=0o600)
        _run(database, [program, *options], target, tick)
    return found


def load(database: Database, dumped: Path, last: str, folder: Path, tick: Tick) -> None:
    """Replace the database's contents with a dump and run the statements `last`, in one transaction.

    Raises NoProgram and BadBackup.
    """
    with database.engine.connect() as connection:
        program = find("psql", _version(connection))
    database.dispose()
    scripts = []
    for name, statements in (("before.sql", EMPTY), ("after.sql", f"SET search_path = public;\n{last}")):
        (folder / name).write_text(statements)
        scripts.append(folder / name)
    files = [f"--file={one}" for one in (scripts[0], dumped, scripts[1])]
    quiet = ["--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--single-transaction"]
    _run(database, [program, *quiet, *files], None, tick)


def counts(connection: Connection) -> dict[str, int]:
    """Number of rows by table."""
    names = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).all()
    return {
        str(name): int(connection.scalar(text(f'SELECT count(*) FROM public."{name}"')) or 0)  # noqa: S608 - our own
        for name in names
    }


def others(database: Database) -> int:
    """The number of other client connections to this database."""
    look = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with database.engine.connect() as connection:
        return int(connection.scalar(text(f"{look} AND backend_type = 'client backend'")) or 0)


def find(name: str, server: int) -> str:
    """Path of the program in the server's major version, else the newest, if newer. Raises NoProgram."""
    found: dict[int, str] = {}
    folders = [str(folder) for place in PLACES for folder in Path("/").glob(place.lstrip("/"))]
    for folder in (None, *folders):
        if path := shutil.which(name, path=folder):
            found.setdefault(_major(path), path)
    if not found:
        raise NoProgram(f"{name} is not installed (Debian: apt install postgresql-client); it is needed for this.")
    newest = max(found)
    if newest < server:
        raise NoProgram(
            f"{name} is of PostgreSQL {newest}, and the server is {server}: install that version's client programs "
            f"(Debian: apt install postgresql-client-{server})."
        )
    return found.get(server, found[newest])


def _major(program: str) -> int:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"(\d+)(?:\.|\w|\s|$)", told.partition(")")[2])
    return int(number[1]) if number else 0


def _version(connection: Connection) -> int:
    return int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000


def _run(database: Database, command: Sequence[str], growing: Path | None, tick: Tick) -> None:
    """Run a program. The password goes through the environment: every local user can read arguments."""
    _, given = database.engine.dialect.create_connect_args(database.engine.url)
    said = {name: str(value) for name, value in given.items() if isinstance(value, str | int) and name != "password"}
    environment = {**os.environ, **({"PGPASSWORD": str(given["password"])} if given.get("password") else {})}
    argv = [*command, f"--dbname={make_conninfo(**said)}"]
    with subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        seen, told, runs = 0, b"", True
        while runs:
            # Drain stderr while waiting: a full pipe would deadlock both processes.
            with suppress(subprocess.TimeoutExpired):
                told, runs = process.communicate(timeout=0.1)[1], False
            size = growing.stat().st_size if growing and growing.exists() else 0
            tick(size - seen)
            seen = size
    words = told.decode(errors="replace").strip().splitlines()
    if process.returncode:
        reason = words[0] if words else f"it ended with {process.returncode}"
        raise BadBackup(f"{Path(command[0]).name} did not do it, and nothing was changed: {reason}")
