"""Learns from refusals how many connections a relay allows, and shares them among processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

GROWTH = 5.0
"""Seconds without a refusal before one more connection is tried."""
RECENT = 3.0
"""Seconds: another refusal this soon after the last means that the relay allows far fewer than assumed."""
FAR_LESS = 3
"""The number held is divided by this then."""
FORGOTTEN = 600.0
"""Seconds without a refusal after which the learned limit is dropped."""


@dataclass(frozen=True, slots=True)
class Report:
    """How many connections a process holds to one relay, and whether it wants any."""

    held: int
    wants: bool
    urgent: bool
    """Whether a person is waiting for this mail."""
    refused: float | None = None
    """Seconds since the start of the connection that the relay has just refused; None: it refused none."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """How many connections a process may hold now, and how many all others hold."""

    connections: int | None
    """None: no limit is known."""
    others: int = 0


class Allowances(Protocol):
    """Shares out connections. Asked once a second, more often only for a relay that has refused some."""

    def report(self, relay: str, report: Report) -> Allowed:
        """Report what this process holds; return what it may hold."""


@dataclass
class _Learned:
    most: int
    at: float


class OwnAllowances:
    """Shares nothing: each process learns alone, and keeps one connection free for urgent mail."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._learned: dict[str, _Learned] = {}

    def report(self, relay: str, report: Report) -> Allowed:
        """Learn from a refusal, or drop an old limit; return what this process may hold."""
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
    """How many connections to try this many seconds after the last refusal."""
    return most + int(seconds / GROWTH)
