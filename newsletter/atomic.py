"""Writes files that are complete or absent, whoever is killed or reads in between."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def receive(folder: Path, pieces: Iterable[bytes], suffix: str = "") -> Path:
    """Write a new file under a unique hidden name, readable by this user only. Raises OSError and leaves no file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=suffix)
    try:
        with os.fdopen(handle, "wb") as out:
            for piece in pieces:
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def write(target: Path, data: bytes) -> None:
    """Replace a file in one step. Raises OSError and leaves the old one."""
    half = receive(target.parent, [data], target.suffix)
    try:
        os.replace(half, target)
    except OSError:
        half.unlink(missing_ok=True)
        raise
