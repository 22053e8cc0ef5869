"""BackgroundWriter: writes what requests have gathered to the database, in a separate thread."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import structlog
from sqlalchemy.exc import SQLAlchemyError

AGAIN = 5.0
"""Seconds until the next attempt when something could not be written yet."""
log = structlog.get_logger()


class BackgroundWriter:
    """One writer per web process; its thread starts on first use."""

    def __init__(self, what: str, write: Callable[[], int], gather: float) -> None:
        """`write` writes what is waiting and returns how much still waits. `gather`: seconds to collect first."""
        self._what = what
        self._write = write
        self._gather = gather
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=what)
        self._closed = Event()
        self._lock = Lock()
        self._due = False

    def wake(self, after: float | None = None) -> None:
        """Schedule a write. Returns at once; never fails."""
        with self._lock:
            if self._due or self._closed.is_set():
                return
            self._due = True
        self._thread.submit(self._write_later, self._gather if after is None else after)

    def _write_later(self, after: float) -> None:
        self._closed.wait(after)
        with self._lock:
            self._due = False
        try:
            waiting = self._write()
        except (SQLAlchemyError, OSError) as error:  # the next wake or a worker's tick retries
            log.warning(f"{self._what} wait to be written down", error=type(error).__name__)
        else:
            if waiting:
                self.wake(AGAIN)

    def close(self) -> None:
        """Write what is waiting and stop the thread."""
        self._closed.set()
        self._thread.shutdown()
