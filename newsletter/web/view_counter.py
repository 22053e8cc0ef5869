"""ViewCounter: collects form views in memory and writes them in batches.

So that popular pages do not write on every view. Killing the process loses the last seconds, which is acceptable for an
anonymous count.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from threading import Lock

from sqlalchemy.orm import Session

from newsletter import forms
from newsletter.web.background_writer import BackgroundWriter

GATHER = 2.0
"""Seconds to collect views before writing."""
MOST = 10_000
"""Pairs of form and page kept while the database is down; further ones are not counted."""


class ViewCounter:
    """Counts views; thread-safe."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Session]], now: Callable[[], datetime]) -> None:
        """`transaction` opens a separate session for writing."""
        self._transaction, self._now = transaction, now
        self._seen = Counter[tuple[int, str]]()
        self._lock = Lock()
        self._writer = BackgroundWriter("views", self.write, GATHER)

    def add(self, form_id: int, page: str) -> None:
        """Count a view. Returns at once."""
        with self._lock:
            if (form_id, page) not in self._seen and len(self._seen) >= MOST:
                return
            self._seen[form_id, page] += 1
        self._writer.wake()

    def write(self) -> int:
        """Write the collected views; returns 0, because none are left. On failure they are kept."""
        with self._lock:
            seen, self._seen = self._seen, Counter()
        try:
            with self._transaction() as session:
                forms.count_views(session, seen, self._now().date())
        except BaseException:
            with self._lock:
                self._seen += seen
            raise
        return 0

    def close(self) -> None:
        """Write what is waiting and stop."""
        self._writer.close()
