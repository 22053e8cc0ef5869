"""Estimate a backup's size before writing one."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.backup import sqlite
from newsletter.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Sizes:
    """Octets before compression."""

    database: int
    pictures: int
    guides: int

    @property
    def whole(self) -> int:
        """The total."""
        return self.database + self.pictures + self.guides


def measure(rt: Runtime, session: Session) -> Sizes:
    """The current sizes. Files deleted during the scan are skipped."""
    if rt.database.is_sqlite:
        database = _octets(iter([sqlite.file_of(rt.database)]))
    else:
        database = session.scalar(select(func.pg_database_size(func.current_database()))) or 0
    media, own = rt.settings.data_dir / "media", rt.guides.own
    pictures = (path for path in media.rglob("*") if not path.is_relative_to(own))  # the owner's guides are in there
    guides = (path for folder in {rt.guides.shipped, own} for path in folder.rglob("*"))
    return Sizes(database, _octets(pictures), _octets(guides))


def _octets(paths: Iterator[Path]) -> int:
    octets = 0
    for path in paths:
        with suppress(FileNotFoundError):
            seen = path.stat()
            octets += seen.st_size if S_ISREG(seen.st_mode) else 0
    return octets
