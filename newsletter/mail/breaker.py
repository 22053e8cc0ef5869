"""The breaker: pauses a campaign that receivers refuse, before all of them have refused it."""

from collections.abc import Iterable
from dataclasses import dataclass

from newsletter.languages import said

RUN = 20
"""Permanent refusals in a row: for policy (5.7.x and the like) or unknown addresses."""
SAMPLE, SHARE = 100, 0.25
"""Or this share of at least SAMPLE outcomes; the operator may set another share."""


@dataclass
class Breaker:
    """Watches the outcomes of one claim in the order they become known."""

    share: float = SHARE
    run: int = 0
    seen: int = 0
    refused: int = 0
    words: str = ""
    tripped: bool = False

    def watch(self, refusals: Iterable[str | None]) -> str | None:
        """Count outcomes (None: no refusal; else the server's words); return the reason to pause, once."""
        for refusal in refusals:
            self.seen += 1
            self.run = self.run + 1 if refusal is not None else 0
            if refusal is not None:
                self.refused, self.words = self.refused + 1, refusal
        if self.tripped or not (self.run >= RUN or self._is_share()):
            return None
        self.tripped = True
        if self.run >= RUN:
            return said(
                "Paused by itself: %(run)s servers in a row refused this mail. The last one said: %(words)s",
                run=self.run,
                words=self.words,
            )
        share = round(100 * self.refused / self.seen)
        return said(
            "Paused by itself: %(share)s %% of the last %(seen)s were refused. The last one said: %(words)s",
            share=share,
            seen=self.seen,
            words=self.words,
        )

    def _is_share(self) -> bool:
        return self.seen >= SAMPLE and self.refused / self.seen >= self.share
