"""A complete installation as an operator runs it: `newsletter up` in its own folder, and commands beside it."""

import json
import math
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.folders import ROOT, temporary

STARTED = "Ctrl-C stops"
PATIENCE = 90.0  # seconds to start, to stop, and for one command
AHEAD = 8
"""Seconds between `campaign send`, which is not measured, and the scheduled time; reduced on fast machines."""
SUBJECT = '{{ first_name|default("Reader") }}, what a sore back would like you to know'


class Broken(Exception):
    """The program did not do what was asked."""


@dataclass
class Installation:
    """One running installation. `url`: of its database."""

    data: Path
    url: str
    smtp_port: int
    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None
    ahead: float = AHEAD

    @property
    def env(self) -> dict[str, str]:
        """A minimal environment as in production: a public address, a relay, a database."""
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.data.parent), "DATA_DIR": str(self.data),
            "PORT": str(self.port), "PUBLIC_URL": "https://news.example.org", "SECRET_KEY": self.secret,
            "SMTP_URL": f"smtp://127.0.0.1:{self.smtp_port}?tls=none", "DATABASE_URL": self.url,
            "OWNER_EMAIL": "owner@example.org", "OWNER_PASSWORD": secrets.token_urlsafe(), "CHECK_DOMAINS": "off",
        }  # fmt: skip

    @property
    def supervisor(self) -> int:
        """The pid of the supervisor, the ancestor of all other processes."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Run `newsletter up` and wait until it reports running. Raises Broken."""
        self.data.mkdir(parents=True)
        said = self.data / "said"
        with said.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "newsletter.cli", "up"], cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while STARTED not in said.read_text():
            if self.process.poll() is not None or time.monotonic() > until:
                raise Broken(f"the product did not start:\n{said.read_text()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Send Ctrl-C; kill it, and with it its children, if it does not end."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def command(self, *words: str) -> str:
        """Run `newsletter …` beside the running program; returns its output. Raises Broken."""
        done = subprocess.run(
            [sys.executable, "-m", "newsletter.cli", *words],
            cwd=ROOT, env=self.env, text=True, capture_output=True, timeout=PATIENCE,
        )  # fmt: skip
        if done.returncode:
            raise Broken(f"newsletter {' '.join(words)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def schedule(self) -> tuple[int, float]:
        """Schedule a campaign to everybody in a few seconds; returns its id and time (Unix)."""
        begun = time.time()
        at = math.ceil(begun + self.ahead)
        campaign = self.send_now("--at", datetime.fromtimestamp(at, UTC).isoformat())
        self.ahead = max(AHEAD / 2, 2 * (time.time() - begun) + 2)
        return campaign, float(at)

    def send_now(self, *more: str) -> int:
        """Send a campaign to everybody; returns its id."""
        said = self.command(
            "campaign", "send", "--subject", SUBJECT, "--preheader", "What comes first, and what comes next",
            "--body", str(ROOT / "bench" / "article.md"), *more,
        )  # fmt: skip
        return int(said.split()[-1])

    def status(self, campaign: int) -> dict[str, int | str]:
        """The JSON of `campaign status`."""
        found: dict[str, int | str] = json.loads(self.command("campaign", "status", str(campaign), "--json"))
        return found

    def logs(self) -> str:
        """The end of every log, for error messages."""
        return "\n".join(f"== {log.name}\n{log.read_text()[-1500:]}" for log in (self.data / "log").glob("*.log"))


@contextmanager
def running(smtp_port: int, url: str = "") -> Iterator[Installation]:
    """A running installation on this database, else on a SQLite file; removed afterwards."""
    with temporary("news") as folder:
        data = folder / "var"
        made = Installation(data, url or f"sqlite:///{data / 'newsletter.sqlite3'}", smtp_port)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def free_port() -> int:
    """A currently unused port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
