"""A Redis of the tests' own: on a Unix socket, nothing kept; it can be killed and started again."""

import subprocess
import time
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from newsletter.supervisor.redis import program


class RedisServer:
    """Runs while a test wants it. `address`: it listens there too, for other hosts (without a password)."""

    def __init__(self, folder: Path, address: str = "", port: int = 6379) -> None:
        self._folder = folder
        self._listen = (
            ["--bind", address, "--port", str(port), "--protected-mode", "no"] if address else ["--port", "0"]
        )
        self.url = f"unix://{folder / 'redis.sock'}"
        self.public_url = f"redis://{address}:{port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        argv = [program(), *self._listen, "--unixsocket", "redis.sock", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(argv, cwd=self._folder, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        with Redis.from_url(self.url) as redis:
            while True:
                try:
                    redis.ping()
                    return
                except RedisError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.02)

    def kill(self) -> None:
        """kill -9: everything in it is forgotten."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
