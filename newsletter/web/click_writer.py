"""The writer of clicks: takes what links have left in the journal to the database, beside the requests."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import structlog
from sqlalchemy.exc import SQLAlchemyError

GATHER, AGAIN = 1.0, 5.0
"""Seconds: for which clicks are gathered, and after which those are looked at again that wait for their mail."""
log = structlog.get_logger()


class ClickWriter:
    """That of one process of the web; its thread starts with the first click."""

    def __init__(self, write: Callable[[], int]) -> None:
        """`write` writes down what waits, and returns how many clicks wait on."""
        self._write = write
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clicks")
        self._closed = Event()
        self._lock = Lock()
        self._due = False

    def wake(self, after: float = GATHER) -> None:
        """A click waits. Returns at once, and never fails."""
        with self._lock:
            if self._due or self._closed.is_set():
                return
            self._due = True
        self._thread.submit(self._beside, after)

    def _beside(self, after: float) -> None:
        self._closed.wait(after)
        with self._lock:
            self._due = False
        try:
            waiting = self._write()
        except (SQLAlchemyError, OSError) as error:  # the next click, or a worker's tick, tries again
            log.warning("clicks wait to be written down", error=type(error).__name__)
        else:
            if waiting:
                self.wake(AGAIN)

    def close(self) -> None:
        """Write down what waits without gathering more, and end."""
        self._closed.set()
        self._thread.shutdown()
