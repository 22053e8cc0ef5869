"""Files that are there whole or not at all, whoever is killed or looks in between."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def receive(folder: Path, pieces: Iterable[bytes], suffix: str = "") -> Path:
    """Write a new file under a hidden name of its own, readable by this user only. Raises OSError, and leaves none."""
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
    """Put a file in its place in one step. Raises OSError, and leaves what was there."""
    half = receive(target.parent, [data], target.suffix)
    try:
        os.replace(half, target)
    except OSError:
        half.unlink(missing_ok=True)
        raise
