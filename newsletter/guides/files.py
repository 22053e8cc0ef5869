"""Where guides' PDFs lie: those that an owner sent, and behind them those that come with the program."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from newsletter import atomic
from newsletter.settings import ROOT

SHIPPED = ROOT / "static" / "guides"
PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Files:
    """Two folders. What an owner sent stands in front of the program's file of the same name."""

    own: Path
    shipped: Path

    @classmethod
    def under(cls, data_dir: Path) -> Self:
        """Those of an installation."""
        return cls(own=data_dir / "media" / "guides", shipped=SHIPPED)

    def of(self, slug: str) -> Path:
        """Where the PDF of the guide with this slug lies, or would lie."""
        own = self.own / f"{slug}.pdf"
        shipped = self.shipped / own.name
        return own if own.exists() or not shipped.exists() else shipped

    def receive(self, sent: BinaryIO) -> Path:
        """Keep what was sent under a name of no guide, until it has been looked at. Raises OSError."""
        return atomic.receive(self.own, iter(lambda: sent.read(PIECE), b""), ".pdf")

    def put(self, slug: str, received: Path) -> None:
        """Make what was received the guide's file: who reads it at this moment reads the one before to its end."""
        os.replace(received, self.own / f"{slug}.pdf")
