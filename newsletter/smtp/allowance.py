"""How many connections a relay allows, learned from its refusals and shared by all who send."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

GROWTH = 5.0
"""Seconds without a refusal after which one more connection is tried."""
RECENT = 3.0
"""Seconds after a refusal within which another one means that the relay allows far less than was thought."""
FAR_LESS = 3
"""By how much less, then."""
FORGOTTEN = 600.0
"""Seconds without a refusal after which no limit is assumed any more."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a process has and wants of one relay."""

    held: int
    wants: bool
    urgent: bool
    """Whether somebody waits for this mail."""
    refused: float | None = None
    """Seconds since the connection was begun that the relay has just refused, if it has."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """How many connections a process may have now, and how many all others have."""

    connections: int | None
    """None: no limit is known."""
    others: int = 0


class Allowances(Protocol):
    """Counts connections. Asked once a second, more often only where a relay has refused some."""

    def report(self, relay: str, report: Report) -> Allowed:
        """Tell what this process has; return what it may have."""


@dataclass
class _Learned:
    most: int
    at: float


class OwnAllowances:
    """Where nothing is shared: each process learns by itself, and leaves one connection to what people wait for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._learned: dict[str, _Learned] = {}

    def report(self, relay: str, report: Report) -> Allowed:
        """See `Allowances`."""
        now, known = self._clock(), self._learned.get(relay)
        if report.refused is not None:
            known = self._learned[relay] = _Learned(self._less(known, report, now), now)
        elif known and now - known.at > FORGOTTEN:
            del self._learned[relay]
            known = None
        if known is None:
            return Allowed(None)
        most = grown(known.most, now - known.at)
        return Allowed(most if report.urgent else max(1, most - 1))

    def _less(self, known: _Learned | None, report: Report, now: float) -> int:
        recent = known and now - (report.refused or 0.0) > known.at and now - known.at < RECENT
        return max(1, report.held // FAR_LESS if recent else report.held)


def grown(most: int, seconds: float) -> int:
    """Return what is tried so many seconds after the last refusal."""
    return most + int(seconds / GROWTH)
