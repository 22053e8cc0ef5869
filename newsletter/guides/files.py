"""Files: where guides' PDFs are stored, uploaded ones and shipped ones."""

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
    """Two folders; an uploaded file takes precedence over a shipped one of the same name."""

    own: Path
    shipped: Path

    @classmethod
    def under(cls, data_dir: Path) -> Self:
        """The folders of an installation."""
        return cls(own=data_dir / "media" / "guides", shipped=SHIPPED)

    def of(self, slug: str) -> Path:
        """The path of a guide's PDF, whether or not it exists."""
        own = self.own / f"{slug}.pdf"
        shipped = self.shipped / own.name
        return own if own.exists() or not shipped.exists() else shipped

    def receive(self, sent: BinaryIO) -> Path:
        """Store an upload under a temporary name until it is validated. Raises OSError."""
        return atomic.receive(self.own, iter(lambda: sent.read(PIECE), b""), ".pdf")

    def put(self, slug: str, received: Path) -> None:
        """Make a received file the guide's PDF, atomically: current downloads finish with the previous one."""
        os.replace(received, self.own / f"{slug}.pdf")
