"""One product for a data folder: whoever starts it, or changes all of it, holds the folder's lock."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from newsletter.settings import Settings


class StartError(Exception):
    """The product cannot start; the message says why and what to do."""


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the lock of the data folder. Raises StartError while the product runs from it."""
    with hold(settings):
        yield


def hold(settings: Settings) -> IO[str]:
    """The lock of the data folder, held until it is closed. Raises StartError while the product runs from it."""
    lock: IO[str] = (settings.data_dir / "up.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        pid = lock.read().strip() or "unknown"
        lock.close()
        raise StartError(
            f"The product is running already from this folder (process {pid}): {settings.site}/ . "
            "Stop it with Ctrl-C where it runs, or use another DATA_DIR and other ports for a second one."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
