"""Files that an owner has sent to the import page, what was made of them, and their errors files.

They hold addresses: they are readable by the product only, and gone with the import, or a day after its owner's last
step (`Import`).
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
    """The files of one import, under a name that nobody guesses."""

    folder: Path
    token: str

    @property
    def rows(self) -> Path:
        """The list as CSV: as it was sent, or made of a workbook."""
        return self.folder / f"{self.token}.csv"

    @property
    def book(self) -> Path:
        """The workbook, if it was one."""
        return self.folder / f"{self.token}.book"

    @property
    def errors(self) -> Path:
        """The rows that bring nobody."""
        return self.folder / f"{self.token}.errors.csv"

    def half(self, lease: str) -> Path:
        """The rows of a workbook while a worker with this lease writes them: one that is slow must not write into what
        another has finished."""
        return self.folder / f"{self.token}.{lease}.half"

    @property
    def size(self) -> int:
        """Octets of the list; 0: it is not here."""
        return self.rows.stat().st_size if self.rows.is_file() else 0

    @property
    def is_here(self) -> bool:
        """Whether anything can be read of it on this host."""
        return self.rows.is_file() or self.book.is_file()

    def forget(self) -> None:
        """Delete all of it."""
        self.forget_list()
        self.errors.unlink(missing_ok=True)

    def forget_list(self) -> None:
        """Delete the list; what it did not bring stays."""
        for path in (self.rows, self.book, *self.halves):
            path.unlink(missing_ok=True)

    @property
    def halves(self) -> list[Path]:
        """What workers have not finished, or were killed at."""
        return list(self.folder.glob(f"{self.token}.*.half")) if self.token else []

    @classmethod
    def keep(cls, folder: Path, file: BinaryIO) -> Self:
        """Store a file that was sent."""
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
    """The names of the imports that have files here."""
    names = (_FILE.fullmatch(path.name) for path in folder.iterdir()) if folder.is_dir() else ()
    return {name[1] for name in names if name}


def forget_naming(folder: Path, address: str) -> None:
    """Delete the files that name an address, because its owner was erased: such a list has to be sent again.

    A workbook is packed, and its other sheets may name anybody: all that wait are deleted. What was read of them stays,
    where it does not name them.
    """
    needles = [address.lower().encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")]
    for path in folder.glob("*.csv"):
        kept = path.read_bytes().lower()
        if any(needle in kept for needle in needles):
            path.unlink(missing_ok=True)
    for path in (*folder.glob("*.book"), *folder.glob("*.half")):
        path.unlink(missing_ok=True)
