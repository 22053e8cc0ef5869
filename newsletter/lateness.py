"""Lateness: whether pages of ours were slow a moment ago, told by the processes of the web to those of bulk mail.

One number in a file of the data folder, mapped into each process of this host: writing and reading it costs nothing. On
a host without a web nobody writes it, and bulk mail has the host to itself.
"""

import mmap
import os
import struct
import time
from pathlib import Path
from typing import Self

LATE = 0.25
"""Seconds from a whole request to its answer that a reader notices."""
FRESH = 1.0
"""Seconds for which a late page counts."""
_MOMENT = struct.Struct("d")


class Lateness:
    """When the last late page was, by the host's monotonic clock. Opened at its first use."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._map: mmap.mmap | None = None

    @classmethod
    def of(cls, folder: Path) -> Self:
        """That of the installation with this data folder, on this host."""
        return cls(folder / "late")

    def note(self, seconds: float) -> None:
        """A page has taken so long."""
        if seconds > LATE:
            _MOMENT.pack_into(self._opened(), 0, time.monotonic())

    def is_fresh(self) -> bool:
        """Whether a page was late a moment ago."""
        (moment,) = _MOMENT.unpack_from(self._opened())
        return bool(0 <= time.monotonic() - moment < FRESH)  # the host may have been started anew: its clock too

    def _opened(self) -> mmap.mmap:
        if self._map is None:
            number = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.ftruncate(number, _MOMENT.size)
                self._map = mmap.mmap(number, _MOMENT.size)
            finally:
                os.close(number)
        return self._map
