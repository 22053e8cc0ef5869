"""How much one relay is trusted with at once: messages in flight on a connection, messages a connection may carry."""

from __future__ import annotations

import re
from dataclasses import dataclass

WELL = 64
"""Messages a connection has answered between two reports."""
CALM = 2 * WELL
"""Messages without a hang-up after which twice as many are kept in flight, at first."""
LONGEST_CALM = 1 << 16
REMEMBERED = 3600.0
"""Seconds for which the number of messages that a session may carry is believed."""
LATELY = 600.0
"""Seconds for which a session that carried more speaks against a limit."""
TOLD, UNTOLD = 2, 3
"""Sessions in a row that must end after the same number of messages: with 421, and without a word."""
_A_SESSIONS_LIMIT = re.compile(
    r"too many (?:messages|mails|e-?mails|transactions)"
    r"|(?:messages|mails|transactions) (?:per|in this|on this|for this)"
    r"|(?:session|connection)[a-z ]* limit|limit[a-z ]* (?:session|connection)",
    re.IGNORECASE,
)


def names_a_limit(words: str) -> bool:
    """Return whether a refusal says that a session has carried as much as it may."""
    return _A_SESSIONS_LIMIT.search(words) is not None


@dataclass
class Pace:
    """What is known of one relay's sessions; all its connections look here. Times are monotonic seconds."""

    most: int
    """Whole messages in flight on a connection, at most (only with CHUNKING)."""
    depth: int = 1
    """Whole messages in flight on a connection now: a relay that hangs up leaves so many uncertain, at most."""
    length: int = 0
    """Messages after which a connection says goodbye by itself; 0: no limit is known."""
    _calm: int = 0
    _needed: int = CALM
    _ended_at: int = 0
    _in_a_row: int = 0
    _carried: int = 0
    """The most that any session carried lately; `_carried_at`: when."""
    _carried_at: float = float("-inf")
    _until: float = float("-inf")

    def well(self) -> None:
        """Take note that WELL more messages were answered on one connection."""
        if self.depth < self.most:
            self._calm += WELL
            if self._calm >= self._needed:
                self.depth, self._calm = min(self.most, 2 * self.depth), 0

    def hung_up(self) -> None:
        """Take note that it closed a connection without a word while whole messages were unanswered."""
        if self.depth > 1 or self._calm:  # connections that end in the same moment are one hang-up
            self._needed = min(2 * self._needed, LONGEST_CALM)
        self.depth, self._calm = 1, 0

    def ended(self, served: int, words: str, now: float) -> None:
        """Take note that the relay ended a session after so many messages, with these words, or with none.

        The same number again and again is no coincidence, unless others carried more; words that say so suffice.
        """
        if served > self._carried or now - self._carried_at > LATELY:
            self._carried, self._carried_at = served, now
        self._in_a_row = self._in_a_row + 1 if served == self._ended_at else 1
        self._ended_at = served
        again = self._in_a_row >= (TOLD if words else UNTOLD) and served == self._carried
        if served and (again or names_a_limit(words)):
            self.length, self._until = served, now + REMEMBERED

    def look(self, now: float) -> None:
        """Forget what was learned too long ago: the relay may allow more by now."""
        if self.length and now >= self._until:
            self.length = 0
