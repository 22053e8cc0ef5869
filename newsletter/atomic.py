"""Writes files that are complete or absent, whoever is killed or reads in between."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

_MAKING = threading.RLock()
"""Many who ask at once for what is not kept yet wait for the one who makes it."""


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


def kept(target: Path, make: Callable[[], bytes]) -> bytes:
    """What lies in this file; else what `make` gives, which lies there from now on, whole or not at all."""
    with suppress(OSError):
        return target.read_bytes()
    with _MAKING:
        with suppress(OSError):  # somebody else has made it meanwhile
            return target.read_bytes()
        made = make()
        with suppress(OSError):  # a full disk, or no folder: it is made anew the next time
            write(target, made)
        return made
