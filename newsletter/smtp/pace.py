"""Learns how many messages a relay's connection may have in flight, and how many one session may carry."""

from __future__ import annotations

import re
from dataclasses import dataclass

WELL = 64
"""Messages answered on one connection between two calls of `Pace.well`."""
CALM = 2 * WELL
"""Messages without a hang-up before the depth doubles; the starting value."""
LONGEST_CALM = 1 << 16
REMEMBERED = 3600.0
"""Seconds a learned session limit is kept."""
LATELY = 600.0
"""Seconds for which a session that carried more disproves a limit."""
REPEATS_WITH_WORDS, REPEATS_SILENT = 2, 3
"""Sessions in a row that must end after the same number of messages to prove a limit: with words, and without."""
_A_SESSIONS_LIMIT = re.compile(
    r"too many (?:messages|mails|e-?mails|transactions)"
    r"|(?:messages|mails|transactions) (?:per|in this|on this|for this)"
    r"|(?:session|connection)[a-z ]* limit|limit[a-z ]* (?:session|connection)",
    re.IGNORECASE,
)


def names_a_limit(words: str) -> bool:
    """Whether a refusal says that the session has carried as many messages as it may."""
    return _A_SESSIONS_LIMIT.search(words) is not None


@dataclass
class Pace:
    """What is known about one relay's sessions, shared by its connections. Times are monotonic seconds."""

    most: int
    """Whole messages in flight on a connection, at most (only with CHUNKING)."""
    depth: int = 1
    """Whole messages in flight on a connection now; at most this many become uncertain if the relay hangs up."""
    length: int = 0
    """Messages after which a connection sends QUIT; 0: no limit is known."""
    _calm: int = 0
    _needed: int = CALM
    _ended_at: int = 0
    _in_a_row: int = 0
    _carried: int = 0
    """The most any session carried lately; `_carried_at`: when."""
    _carried_at: float = float("-inf")
    _until: float = float("-inf")

    def well(self) -> None:
        """Record that WELL more messages were answered on one connection."""
        if self.depth < self.most:
            self._calm += WELL
            if self._calm >= self._needed:
                self.depth, self._calm = min(self.most, 2 * self.depth), 0

    def hung_up(self) -> None:
        """Record that the relay closed a connection silently while whole messages were unanswered."""
        if self.depth > 1 or self._calm:  # connections that end together are one hang-up
            self._needed = min(2 * self._needed, LONGEST_CALM)
        self.depth, self._calm = 1, 0

    def ended(self, served: int, words: str, now: float) -> None:
        """Record that the relay ended a session after `served` messages, with these words or none.

        The same number several times in a row is a limit, unless another session carried more; words that name a
        limit suffice.
        """
        if served > self._carried or now - self._carried_at > LATELY:
            self._carried, self._carried_at = served, now
        self._in_a_row = self._in_a_row + 1 if served == self._ended_at else 1
        self._ended_at = served
        again = self._in_a_row >= (REPEATS_WITH_WORDS if words else REPEATS_SILENT) and served == self._carried
        if served and (again or names_a_limit(words)):
            self.length, self._until = served, now + REMEMBERED

    def look(self, now: float) -> None:
        """Forget a limit learned too long ago: the relay may allow more by now."""
        if self.length and now >= self._until:
            self.length = 0
