"""Writing beside the requests: what pages gather goes to the database in a thread of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import structlog
from sqlalchemy.exc import SQLAlchemyError

AGAIN = 5.0
"""Seconds after which what could not be written down yet is looked at again."""
log = structlog.get_logger()


class WriterBeside:
    """One writer of one process of the web; its thread starts when there is something to write."""

    def __init__(self, what: str, write: Callable[[], int], gather: float) -> None:
        """`write` writes down what waits, and returns how much waits on; `gather`: for how many seconds we gather."""
        self._what = what
        self._write = write
        self._gather = gather
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=what)
        self._closed = Event()
        self._lock = Lock()
        self._due = False

    def wake(self, after: float | None = None) -> None:
        """Something waits. Returns at once, and never fails."""
        with self._lock:
            if self._due or self._closed.is_set():
                return
            self._due = True
        self._thread.submit(self._beside, self._gather if after is None else after)

    def _beside(self, after: float) -> None:
        self._closed.wait(after)
        with self._lock:
            self._due = False
        try:
            waiting = self._write()
        except (SQLAlchemyError, OSError) as error:  # the next one, or a worker's tick, tries again
            log.warning(f"{self._what} wait to be written down", error=type(error).__name__)
        else:
            if waiting:
                self.wake(AGAIN)

    def close(self) -> None:
        """Write down what waits without gathering more, and end."""
        self._closed.set()
        self._thread.shutdown()
