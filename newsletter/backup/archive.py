"""The backup file: a ZIP of the database, the secret key, guides and media, with a manifest of its contents."""

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
"""Comma-separated, as in SECRET_KEY_OLD."""
CLOCK = "clock"
GUIDES, MEDIA = "guides/", "media/"
FOLDERS = (GUIDES, MEDIA)
PIECE = 1 << 20  # octets
Tick = Callable[[int], None]
"""Progress callback, called with the octets done since the last call."""


class BadBackup(Exception):
    """The file is not a usable backup, or is in the way; the message says why and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a backup contains and where it comes from."""

    format: int
    version: str
    """Version of the program that wrote it."""
    schema: str
    """The database's latest migration."""
    created_at: str
    """ISO 8601, UTC: when the snapshot was taken."""
    database: str
    """"sqlite" or "postgresql"."""
    key_fingerprint: str
    counts: dict[str, int]
    """Number of rows by table."""
    settings: dict[str, str]
    """The environment's settings without secrets; informational, never restored."""
    files: dict[str, str]
    """SHA-256 in hex, by file name."""

    @property
    def created(self) -> datetime:
        """`created_at` as a datetime."""
        return datetime.fromisoformat(self.created_at)

    def as_json(self) -> str:
        """The text of `manifest.json`."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)


class Archive:
    """A backup opened for reading. Raises BadBackup."""

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
        """Unpacked size in octets."""
        return sum(one.file_size for one in self._zip.infolist())

    @property
    def names(self) -> list[str]:
        """The names of its files, without the manifest."""
        return sorted(self.manifest.files)

    def read(self, name: str) -> bytes:
        """A small file's content. Raises BadBackup."""
        return b"".join(self._pieces(name))

    def unpack(self, name: str, target: Path, tick: Tick) -> None:
        """Write one file to `target` and verify its checksum. Raises BadBackup."""
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
    """Whether this is a name we write; refuses any that would escape the folder it is unpacked into."""
    if name in (SQLITE, POSTGRESQL, KEY, OLD_KEYS, CLOCK):
        return True
    path = PurePosixPath(name)
    inside = any(name.startswith(folder) for folder in FOLDERS) and ".." not in path.parts
    return inside and 2 <= len(path.parts) <= 3  # phone editions and the owner's guides are one level deeper
