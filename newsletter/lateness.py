"""Lateness: web processes tell those of bulk mail whether pages were slow a moment ago.

It is one number in a file of the data folder, mapped into each process of this host, so access costs nothing. On a host
without a web nobody writes it, and bulk mail has the host to itself.
"""

import mmap
import os
import struct
import time
from pathlib import Path
from typing import Self

LATE = 0.25
"""Seconds from a complete request to its response that a reader notices."""
FRESH = 1.0
"""Seconds for which a late page counts."""
_MOMENT = struct.Struct("d")


class Lateness:
    """When the last late page was, by the host's monotonic clock. The file is opened on first use."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._map: mmap.mmap | None = None

    @classmethod
    def of(cls, folder: Path) -> Self:
        """That of this data folder."""
        return cls(folder / "late")

    def note(self, seconds: float) -> None:
        """Record how long a page has taken."""
        if seconds > LATE:
            _MOMENT.pack_into(self._opened(), 0, time.monotonic())

    def is_fresh(self) -> bool:
        """Whether a page was late a moment ago."""
        (moment,) = _MOMENT.unpack_from(self._opened())
        return bool(0 <= time.monotonic() - moment < FRESH)  # below 0 after a reboot, which resets the clock

    def _opened(self) -> mmap.mmap:
        if self._map is None:
            number = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.ftruncate(number, _MOMENT.size)
                self._map = mmap.mmap(number, _MOMENT.size)
            finally:
                os.close(number)
        return self._map
