"""Starts our own programs as forks of the supervisor, which has imported them all (`newsletter.preloaded`).

What they share is then in memory once, and none spends seconds on imports. The supervisor has one thread, and no secret
(`sealed`).
"""

import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from setproctitle import setproctitle

from newsletter import parent
from newsletter.supervisor.sealed import Sealed
from newsletter.supervisor.service import Process, Service

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals the supervisor handles (`up`), and its forks do not."""


@dataclass
class ForkedService(Service):
    """A service whose `argv` is what follows `python -m`."""

    sealed: Sealed = field(kw_only=True)

    def _launched(self) -> Process:
        return Fork(name=self.name, argv=self.argv, sealed=self.sealed, cwd=self.cwd, log=self.log)


class Fork:
    """A running fork, with the interface of `subprocess.Popen` that services use."""

    def __init__(self, name: str, argv: Sequence[str], sealed: Sealed, cwd: Path, log: Path) -> None:
        # fork, whatever this Python's default is
        context = multiprocessing.get_context("fork")
        arguments = (name, argv, sealed, cwd, log, os.getpid())
        self._process = context.Process(target=_become, args=arguments, name=name)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)  # the fork must not run our handlers
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @property
    def pid(self) -> int:
        """Its process id, also that of its group and session."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, below 0 for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self) -> int | None:
        """Wait until it ends; return its exit code."""
        self._process.join()
        return self.poll()

    def send_signal(self, which: signal.Signals, /) -> None:
        """Send a signal; do nothing if it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, which)


def _become(name: str, argv: Sequence[str], sealed: Sealed, cwd: Path, log: Path, supervisor: int) -> None:
    """In the fork: leave the supervisor's session, and run the program as `python -m` would."""
    os.setsid()
    for one in _HANDLED:
        signal.signal(one, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
    parent.die_with(supervisor)
    setproctitle(f"newsletter: {name}")
    _write_to(log)
    os.chdir(cwd)
    environment = sealed.open(name)
    os.environ.clear()
    os.environ.update(environment)
    multiprocessing.set_start_method("fork", force=True)  # for granian's workers: spawned ones would share nothing
    sys.argv[:] = argv
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


def _write_to(log: Path) -> None:
    out, nothing = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), os.open(os.devnull, os.O_RDONLY)
    for here, there in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(here, there)
    os.close(out)
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
