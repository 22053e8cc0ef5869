"""Files uploaded to the import page, the CSV converted from workbooks, and errors files.

They contain addresses: only this program's user can read them, and they are deleted with the import or a day after the
owner's last action.
"""

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from newsletter.imports.workbook import is_workbook

_FILE = re.compile(r"([0-9a-f]{32})\.(?:csv|book|errors\.csv|[0-9a-f]{32}\.half)")
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Upload:
    """The files of one import, under an unguessable name."""

    folder: Path
    token: str

    @property
    def rows(self) -> Path:
        """The CSV, as uploaded or converted from a workbook."""
        return self.folder / f"{self.token}.csv"

    @property
    def book(self) -> Path:
        """The workbook, if one was uploaded."""
        return self.folder / f"{self.token}.book"

    @property
    def errors(self) -> Path:
        """The rows that imported nobody."""
        return self.folder / f"{self.token}.errors.csv"

    def half(self, lease: str) -> Path:
        """The CSV while the worker with this lease converts it; named by lease, so that a slow worker cannot write
        into another's result."""
        return self.folder / f"{self.token}.{lease}.half"

    @property
    def size(self) -> int:
        """Octets of the CSV; 0 if it is not on this host."""
        return self.rows.stat().st_size if self.rows.is_file() else 0

    @property
    def is_here(self) -> bool:
        """Whether this host has the CSV or workbook."""
        return self.rows.is_file() or self.book.is_file()

    def forget(self) -> None:
        """Delete all files."""
        self.forget_list()
        self.errors.unlink(missing_ok=True)

    def forget_list(self) -> None:
        """Delete everything but the errors file."""
        for path in (self.rows, self.book, *self.halves):
            path.unlink(missing_ok=True)

    @property
    def halves(self) -> list[Path]:
        """Unfinished conversions, including those of killed workers."""
        return list(self.folder.glob(f"{self.token}.*.half")) if self.token else []

    @classmethod
    def keep(cls, folder: Path, file: BinaryIO) -> Self:
        """Store an uploaded file."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = cls(folder, secrets.token_hex(16))
        piece = file.read(_PIECE)
        path = kept.book if is_workbook(piece[:8]) else kept.rows
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            while piece:
                out.write(piece)
                piece = file.read(_PIECE)
        return kept


def tokens_in(folder: Path) -> set[str]:
    """Tokens of the imports that have files in this folder."""
    names = (_FILE.fullmatch(path.name) for path in folder.iterdir()) if folder.is_dir() else ()
    return {name[1] for name in names if name}


def forget_naming(folder: Path, address: str) -> None:
    """Delete the files that mention an erased address; such a file has to be uploaded again.

    Workbooks are compressed and may mention anybody in other sheets, so all are deleted, with unfinished conversions.
    """
    needles = [address.lower().encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")]
    for path in folder.glob("*.csv"):
        kept = path.read_bytes().lower()
        if any(needle in kept for needle in needles):
            path.unlink(missing_ok=True)
    for path in (*folder.glob("*.book"), *folder.glob("*.half")):
        path.unlink(missing_ok=True)
