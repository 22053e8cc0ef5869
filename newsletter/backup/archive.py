"""The file: a ZIP of the database, the key, guides and media, and a manifest that says what is in it."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

FORMAT = 1
MANIFEST = "manifest.json"
SQLITE, POSTGRESQL = "database.sqlite3", "database.sql"
KEY = "secret_key"
OLD_KEYS = "secret_key_old"
"""As SECRET_KEY_OLD holds them."""
CLOCK = "clock"
GUIDES, MEDIA = "guides/", "media/"
FOLDERS = (GUIDES, MEDIA)
PIECE = 1 << 20  # octets
Tick = Callable[[int], None]
"""Is told of octets that are done."""


class BadBackup(Exception):
    """The file is no backup of ours, or is not whole; the message says which and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    format: int
    version: str
    """Of the program that wrote it."""
    schema: str
    """The database's newest migration."""
    created_at: str
    """ISO 8601, UTC: the moment whose state it holds."""
    database: str
    """"sqlite" or "postgresql"."""
    key_fingerprint: str
    counts: dict[str, int]
    """Rows of every table."""
    settings: dict[str, str]
    """What the environment said, without secrets; for reading, it is not put back."""
    files: dict[str, str]
    """SHA-256 of every file, by its name."""

    @property
    def created(self) -> datetime:
        """The moment whose state it holds."""
        return datetime.fromisoformat(self.created_at)

    def as_json(self) -> str:
        """As it stands in the file."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)


class Archive:
    """A backup that is opened for reading. Raises BadBackup."""

    def __init__(self, file: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
            told = json.loads(self._zip.read(MANIFEST))
        except FileNotFoundError:
            raise BadBackup(f"There is no file {file}.") from None
        except (zipfile.BadZipFile, KeyError, ValueError, OSError):
            raise BadBackup(f"{file.name} is no backup of this program, or only a part of one.") from None
        self.manifest = _manifest(file.name, told)
        self._check_names(file.name)

    def _check_names(self, name: str) -> None:
        there = set(self._zip.namelist()) - {MANIFEST}
        if there != set(self.manifest.files) or not all(_is_ours(one) for one in there):
            raise BadBackup(f"{name} does not hold what its manifest says; take another backup.")

    @property
    def size(self) -> int:
        """Octets, unpacked."""
        return sum(one.file_size for one in self._zip.infolist())

    @property
    def names(self) -> list[str]:
        """Of the files in it, but for the manifest."""
        return sorted(self.manifest.files)

    def read(self, name: str) -> bytes:
        """A small file's octets."""
        return b"".join(self._pieces(name))

    def unpack(self, name: str, target: Path, tick: Tick) -> None:
        """Write one file out, and compare its checksum. Raises BadBackup."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for piece in self._pieces(name):
                file.write(piece)
                tick(len(piece))

    def _pieces(self, name: str) -> Iterator[bytes]:
        digest = hashlib.sha256()
        try:
            with self._zip.open(name) as packed:
                while piece := packed.read(PIECE):
                    digest.update(piece)
                    yield piece
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise BadBackup(f"{name} in the backup cannot be read ({error}); take another backup.") from None
        if digest.hexdigest() != self.manifest.files[name]:
            raise BadBackup(f"{name} in the backup was changed or damaged; take another backup.")

    def close(self) -> None:
        """Close the file."""
        self._zip.close()


def _manifest(name: str, told: Any) -> Manifest:
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise BadBackup(f"{name} was written by another version of this program, which has another form of backups.")
    try:
        return Manifest(**told)
    except TypeError:
        raise BadBackup(f"{name} has a manifest that this version does not understand.") from None


def _is_ours(name: str) -> bool:
    """A name that we write: nothing that would leave the folder it is unpacked into."""
    if name in (SQLITE, POSTGRESQL, KEY, OLD_KEYS, CLOCK):
        return True
    path = PurePosixPath(name)
    inside = any(name.startswith(folder) for folder in FOLDERS) and ".." not in path.parts
    return inside and 2 <= len(path.parts) <= 3  # a guide's edition for phones, and guides of the owner's, lie deeper
