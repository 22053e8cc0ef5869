"""The product's one clock. Only doors read it; every rule is given `now`."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

MEASURED_EVERY = 60.0
"""Seconds between two looks at the database server's clock."""
NEARLY = timedelta(seconds=1)
"""A difference up to this is none: clocks that are kept right, and the way to the server, differ by less."""


class Clock(Protocol):
    """Tells the time: aware UTC."""

    def now(self) -> datetime:
        """The present moment."""

    def glance(self) -> datetime:
        """The same without asking anybody: it never waits."""


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    def glance(self) -> datetime:
        """The same."""
        return self.now()


class MovableClock:
    """The machine's time plus what `newsletter fast-forward` has added, kept in a file that every process reads.

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
        """Move on, for all processes; the offset there is now. Time never goes back: ValueError."""
        if by < timedelta():
            raise ValueError("the clock only goes forward")
        offset = self.offset() + by
        half = self._file.with_suffix(".new")
        half.write_text(str(offset.total_seconds()))
        half.replace(self._file)
        return offset


class SharedClock:
    """A machine's time, put right by the database server's: hosts whose clocks differ agree on leases and due times.

    `server` gives the server's time, or None while it cannot be reached; then the last difference holds.
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
        """The present moment, by the difference that was measured last."""
        return self.machine.now() + self._ahead

    def _measure(self) -> None:
        before = datetime.now(UTC)
        there = self._server()
        after = datetime.now(UTC)
        if there is not None:
            ahead = there - (before + (after - before) / 2)
            self._ahead = ahead if abs(ahead) > NEARLY else timedelta()


class FixedClock:
    """A clock that stands until it is told otherwise: for previews and tests."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """The moment it was given."""
        return self.moment

    def glance(self) -> datetime:
        """The same."""
        return self.moment

    def forward(self, by: timedelta) -> None:
        """Move on."""
        self.moment += by
