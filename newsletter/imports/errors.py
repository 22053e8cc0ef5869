"""The errors file: every row that brought nobody, with its line and the reason, to be mended and imported again."""

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
    """A CSV file (line, reason, row) that comes into being with its first row.

    What is added counts from `settle` on: what was added for a batch that came to nothing is written over. `kept`: the
    octets that count, `written`: the rows that have been added.
    """

    COLUMNS = ("line", "reason", "row")

    def __init__(self, path: Path, kept: int = 0) -> None:
        self.path = path
        self.kept = self.length = kept
        self.written = 0
        self._added = 0

    def add(self, left_out: Iterable[tuple[Row, Flaw | Fate]]) -> int:
        """Write these rows behind those that count; the length of the file then."""
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
        """What was added last counts."""
        self.kept, self.written, self._added = self.length, self.written + self._added, 0
