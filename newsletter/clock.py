"""The product's clock. Only doors read it; rules get `now` as an argument."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

MEASURED_EVERY = 60.0
"""Seconds between two readings of the database server's clock."""
NEARLY = timedelta(seconds=1)
"""Smaller differences are ignored: synchronised clocks, and the round trip, differ by less."""


class Clock(Protocol):
    """Tells the time, in aware UTC."""

    def now(self) -> datetime:
        """The present moment."""

    def glance(self) -> datetime:
        """The same without asking a server: it never waits."""


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    def glance(self) -> datetime:
        """The same."""
        return self.now()


class MovableClock:
    """The machine's time plus what `newsletter fast-forward` has added, stored in a file that every process reads.

    Only for an installation on loopback: it lets people see days pass.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read: tuple[int, timedelta] = (0, timedelta())

    def now(self) -> datetime:
        """The present moment, moved."""
        return datetime.now(UTC) + self.offset()

    def glance(self) -> datetime:
        """The same."""
        return self.now()

    def offset(self) -> timedelta:
        """How far this clock is ahead."""
        try:
            changed = self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return timedelta()
        if changed != self._read[0]:
            self._read = (changed, timedelta(seconds=float(self._file.read_text() or 0)))
        return self._read[1]

    def forward(self, by: timedelta) -> timedelta:
        """Move on, for all processes; return the new offset. Raises ValueError for going back."""
        if by < timedelta():
            raise ValueError("the clock only goes forward")
        offset = self.offset() + by
        half = self._file.with_suffix(".new")
        half.write_text(str(offset.total_seconds()))
        half.replace(self._file)
        return offset


class SharedClock:
    """A machine's time corrected by the database server's, so that hosts agree on leases and due times.

    `server` returns the server's time, or None while it cannot be reached; the last difference is used then.
    """

    def __init__(self, machine: Clock, server: Callable[[], datetime | None]) -> None:
        self.machine = machine
        self._server = server
        self._ahead, self._measured_at = timedelta(), float("-inf")

    def now(self) -> datetime:
        """The present moment by the server's clock."""
        if time.monotonic() - self._measured_at > MEASURED_EVERY:
            self._measured_at = time.monotonic()
            self._measure()
        return self.machine.now() + self._ahead

    def glance(self) -> datetime:
        """The present moment, by the difference measured last."""
        return self.machine.now() + self._ahead

    def _measure(self) -> None:
        before = datetime.now(UTC)
        there = self._server()
        after = datetime.now(UTC)
        if there is not None:
            ahead = there - (before + (after - before) / 2)
            self._ahead = ahead if abs(ahead) > NEARLY else timedelta()


class FixedClock:
    """A clock that stands still until it is moved: for previews and tests."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.moment

    def glance(self) -> datetime:
        """The same."""
        return self.moment

    def forward(self, by: timedelta) -> None:
        """Move the clock on."""
        self.moment += by
