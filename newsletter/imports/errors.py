"""The errors file: every row that brought nobody, with its line and the reason, to be mended and imported again."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from newsletter.imports.export import guarded
from newsletter.imports.report import Fate, Flaw
from newsletter.imports.rows import Row
from newsletter.imports.sentences import why


class ErrorsFile:
    """A CSV file (line, reason, row) that comes into being with its first row. `written`: how many it holds."""

    COLUMNS = ("line", "reason", "row")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self._out: TextIO | None = None

    def add(self, row: Row, reason: Flaw | Fate) -> None:
        """Write down one row."""
        if self._out is None:
            self._out = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self._out).writerow(self.COLUMNS)
        csv.writer(self._out).writerow(self.cells(row, reason))
        self.written += 1

    @staticmethod
    def cells(row: Row, reason: Flaw | Fate) -> tuple[int, str, str]:
        """A row as it stands in the file, its text safe in a spreadsheet."""
        return row.line, why(reason), guarded(row.text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._out is not None:
            self._out.close()
