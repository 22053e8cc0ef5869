"""The breaker: when a receiver refuses a campaign for what it is, stop before everybody has refused it."""

from collections.abc import Iterable
from dataclasses import dataclass

RUN = 20
"""Refusals on grounds of policy (5.7.x and the like) in a row."""
SAMPLE, SHARE = 100, 0.25
"""Or this share of at least so many."""


@dataclass
class Breaker:
    """Watches the outcomes of one claim, in the order in which they become known."""

    run: int = 0
    seen: int = 0
    refused: int = 0
    words: str = ""

    def watch(self, refusals: Iterable[str | None]) -> str | None:
        """Take outcomes (None: no refusal; else the server's words); the reason to pause, when there is one."""
        for refusal in refusals:
            self.seen += 1
            self.run = self.run + 1 if refusal is not None else 0
            if refusal is not None:
                self.refused, self.words = self.refused + 1, refusal
        if self.run >= RUN:
            return f"Paused by itself: {self.run} servers in a row refused this mail. The last one said: {self.words}"
        if self.seen >= SAMPLE and self.refused / self.seen >= SHARE:
            share = round(100 * self.refused / self.seen)
            return f"Paused by itself: {share} % of the last {self.seen} were refused. The last one said: {self.words}"
        return None
