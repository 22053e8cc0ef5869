"""Write a backup of a running installation, atomically and readable only by its owner."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from newsletter import versions
from newsletter.backup import postgres, sqlite
from newsletter.backup.archive import (
    CLOCK,
    FORMAT,
    GUIDES,
    KEY,
    MANIFEST,
    MEDIA,
    OLD_KEYS,
    PIECE,
    POSTGRESQL,
    SQLITE,
    Archive,
    BadBackup,
    Manifest,
    Tick,
)
from newsletter.runtime import Runtime

VERSION = "0.1.0"
LISTED_SETTINGS = ("public_url", "host", "port", "web_workers", "bulk_workers", "dkim_domain", "dkim_selector")
"""Settings listed in the manifest. Server URLs are left out: they may contain passwords."""


def write(rt: Runtime, target: Path, now: datetime, tick: Tick) -> Manifest:
    """Write a backup of this installation to `target`. Raises BadBackup, also if `target` exists and is no backup."""
    _check_free(target)
    with _private_folder(target.parent) as folder:
        half = folder / "backup.zip"
        manifest = _packed(rt, half, folder, now, tick)
        with half.open("rb") as file:
            os.fsync(file.fileno())
        half.replace(target)
    return manifest


def _check_free(target: Path) -> None:
    if target.is_dir():
        raise BadBackup(f"{target} is a folder; name a file in it.")
    if not target.parent.is_dir():
        raise BadBackup(f"There is no folder {target.parent}.")
    if target.exists():
        try:
            Archive(target).close()
        except BadBackup:
            raise BadBackup(
                f"{target} is there and is no backup; it is not overwritten. Choose another name."
            ) from None


@contextmanager
def _private_folder(beside: Path) -> Iterator[Path]:
    """A temporary folder on the target's file system, so that the finished file can be renamed into place."""
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=beside) as folder:  # mode 0700
        yield Path(folder)


def _packed(rt: Runtime, half: Path, folder: Path, now: datetime, tick: Tick) -> Manifest:
    dump = folder / (SQLITE if rt.database.is_sqlite else POSTGRESQL)
    counts = (sqlite.dump if rt.database.is_sqlite else postgres.dump)(rt.database, dump, tick)
    files: dict[str, str] = {}
    handle = os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w+b") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as packed:
        for name, path in [(dump.name, dump), *_files(rt)]:
            files[name] = _add(packed, name, path, tick)
        files[KEY] = _add_bytes(packed, KEY, rt.secrets[0])
        if old := rt.secrets[1:]:
            files[OLD_KEYS] = _add_bytes(packed, OLD_KEYS, b",".join(old))
        manifest = _manifest(rt, counts, files, now)
        _add_bytes(packed, MANIFEST, manifest.as_json().encode())
    return manifest


def _files(rt: Runtime) -> Iterator[tuple[str, Path]]:
    for folder, prefix in ((rt.guides.shipped, GUIDES), (rt.settings.data_dir / "media", MEDIA)):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and not path.name.startswith("."):
                yield f"{prefix}{path.relative_to(folder)}", path
    clock = rt.settings.data_dir / "clock"
    if clock.exists():  # a local installation's clock may have been moved forward
        yield CLOCK, clock


def _manifest(rt: Runtime, counts: dict[str, int], files: dict[str, str], now: datetime) -> Manifest:
    return Manifest(
        format=FORMAT, version=VERSION, schema=versions.version(rt.database) or "", created_at=now.isoformat(),
        database="sqlite" if rt.database.is_sqlite else "postgresql", key_fingerprint=rt.signer.key_print,
        counts=counts, settings={name: str(getattr(rt.settings, name)) for name in LISTED_SETTINGS}, files=files,
    )  # fmt: skip


def _add(packed: zipfile.ZipFile, name: str, path: Path, tick: Tick) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source, packed.open(name, "w", force_zip64=True) as target:
        while piece := source.read(PIECE):
            digest.update(piece)
            target.write(piece)
            tick(len(piece))
    return digest.hexdigest()


def _add_bytes(packed: zipfile.ZipFile, name: str, data: bytes) -> str:
    packed.writestr(name, data)
    return hashlib.sha256(data).hexdigest()
