"""Service: one child process with its log and process group; starts, watches and stops it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from newsletter import parent

SLOWEST_RESTART = 10.0
STEADY_AFTER = 30.0
LOG_KEPT = 5 * 1024 * 1024
"""Octets; a larger log is rotated to `.1`, and `.1` to `.2`, up to `OLD_LOGS`."""
OLD_LOGS = 3


class Process(Protocol):
    """A started child: what `subprocess.Popen` and `forks.Fork` have in common."""

    @property
    def pid(self) -> int:
        """Its id, also that of its group."""

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""

    def wait(self) -> int | None:
        """Wait until it ends."""

    def send_signal(self, which: signal.Signals, /) -> None:
        """Send it a signal."""


@dataclass
class Service:
    """A part of the product that runs as its own process."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 30.0
    """Seconds it may take to stop before it is killed."""
    process: Process | None = None
    failures: int = 0
    started: float = 0.0
    not_before: float = field(default=0.0)

    def start(self) -> None:
        """Start it in its own process group, so that Ctrl-C reaches only the supervisor."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.keep_log_small()
        self.process = self._launched()
        self.started = time.monotonic()

    def _launched(self) -> Process:
        with self.log.open("ab") as out:
            return subprocess.Popen(
                self.argv, env=dict(self.env), cwd=self.cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, preexec_fn=partial(parent.die_with, os.getpid()),
            )  # fmt: skip

    def keep_log_small(self) -> None:
        """Rotate a log that has grown too large, while its process keeps writing.

        It is copied and truncated, not renamed: the child keeps its file open, and a child that is not ours (Redis)
        cannot be made to open another. It appends, so it continues at the beginning. What it writes between copying
        and truncating is lost: some microseconds, once in five megabytes.
        """
        with suppress(OSError):
            if self.log.stat().st_size <= LOG_KEPT:
                return
            try:
                self._put_aside()
            finally:  # even if the disk is full: drop the old lines rather than fill it further
                os.truncate(self.log, 0)

    def _put_aside(self) -> None:
        older = [self.log.with_name(f"{self.log.name}.{number}") for number in range(OLD_LOGS, 0, -1)]
        for older_still, newer in pairwise(older):
            if newer.exists():
                newer.replace(older_still)
        with self.log.open("rb") as lines, older[-1].open("wb") as copy:
            while piece := lines.read(1 << 20):
                copy.write(piece)

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def watch(self, say: Callable[[str], None]) -> None:
        """Restart it if it ended by itself: soon at first, then with growing delays, but always."""
        if self.is_running or self.process is None:
            return
        now = time.monotonic()
        if self.not_before == 0.0:
            self.failures = 1 if now - self.started > STEADY_AFTER else self.failures + 1
            wait = min(0.5 * 2 ** (self.failures - 1), SLOWEST_RESTART)
            self.not_before = now + wait
            say(f"{self.name} ended ({_how(self.process.poll())}); starting it again. Its log: {self.log}")
            self._kill_group()
        elif now >= self.not_before:
            self.not_before = 0.0
            self.start()

    def ask_to_stop(self) -> None:
        """Ask it to finish its work and end."""
        if self.process is not None and self.is_running:
            self.process.send_signal(self.stop_signal)

    def wait_stopped(self, hurry: Callable[[], bool]) -> None:
        """Wait until it has ended; after `patience` seconds, or on `hurry()`, kill it and all its children."""
        until = time.monotonic() + self.patience
        while self.is_running and time.monotonic() < until and not hurry():
            time.sleep(0.05)
        self._kill_group()
        if self.process is not None:
            self.process.wait()

    def end(self, hurry: Callable[[], bool]) -> int | None:
        """Wait until it has ended by itself, or kill it on `hurry()`; return its exit code."""
        while self.is_running and not hurry():
            time.sleep(0.02)
        self._kill_group()
        return self.process.wait() if self.process else None

    def last_words(self, lines: int = 15) -> str:
        """The end of its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def _kill_group(self) -> None:
        if self.process is None:
            return
        with suppress(ProcessLookupError, PermissionError):  # the group is gone already
            os.killpg(self.process.pid, signal.SIGKILL)


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
