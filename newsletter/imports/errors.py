"""The errors file: every row that imported nobody, with its line and reason, to be corrected and imported again."""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from newsletter.imports.export import guarded
from newsletter.imports.report import Fate, Flaw
from newsletter.imports.rows import Row
from newsletter.imports.sentences import why


class ErrorsFile:
    """A CSV file (line, reason, row), created with its first row.

    Rows added since the last `settle` are overwritten by the next `add`, because their batch was rolled back. `kept`:
    settled octets; `written`: settled rows.
    """

    COLUMNS = ("line", "reason", "row")

    def __init__(self, path: Path, kept: int = 0) -> None:
        self.path = path
        self.kept = self.length = kept
        self.written = 0
        self._added = 0

    def add(self, left_out: Iterable[tuple[Row, Flaw | Fate]]) -> int:
        """Write these rows after the settled ones; returns the new length in octets."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        listed = list(left_out)
        if listed and not self.kept:
            writer.writerow(self.COLUMNS)
        writer.writerows((row.line, why(reason), guarded(row.text)) for row, reason in listed)
        self._added = len(listed)
        if listed or self.length != self.kept:
            with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "rb+") as out:
                out.truncate(self.kept)
                out.seek(self.kept)
                out.write(text.getvalue().encode())
                self.length = out.tell()
        return self.length

    def settle(self) -> None:
        """Keep what was added last."""
        self.kept, self.written, self._added = self.length, self.written + self._added, 0
