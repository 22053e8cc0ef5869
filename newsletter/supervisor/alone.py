"""Allows one running product per data folder: whoever starts it, or changes all of it, holds the folder's lock."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from newsletter.settings import Settings

ENDING = 75.0
"""Seconds within which the parts of a product end by themselves after their supervisor was killed."""


class StartError(Exception):
    """The product cannot start; the message says why and what to do."""


@contextmanager
def alone(settings: Settings, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the data folder's locks. Raises StartError while the product, or a part of it, runs from it."""
    with hold(settings):
        parts = hold_for_parts(settings, say)
        try:
            yield
        finally:
            os.close(parts)


def hold(settings: Settings) -> IO[str]:
    """The data folder's lock, held until it is closed. Raises StartError while the product runs from it."""
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


def hold_for_parts(settings: Settings, say: Callable[[str], None]) -> int:
    """A lock, as an open file, that all parts of the product inherit: it is free once the last has ended.

    So a start never meets parts left by a killed supervisor: it waits until they have finished what they were sending.
    Raises StartError.
    """
    number = os.open(settings.data_dir / "parts.lock", os.O_RDWR | os.O_CREAT, 0o600)
    until, announced = time.monotonic() + ENDING, False
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return number
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(number)
                raise StartError(
                    "Parts of a product that was killed still run from this folder. Look for them with "
                    "`ps -ef | grep 'newsletter:'`, end them, and start again."
                ) from None
        if not announced:
            say("The product was killed here; waiting until its parts have finished what they are sending.")
            announced = True
        time.sleep(0.1)
