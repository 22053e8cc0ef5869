"""The views of forms that one process of the web has gathered and not written down yet.

A page that many look at would otherwise write with each look, beside the workers. What was gathered in the last
seconds before a process is killed is not counted: it is a figure, and nobody's.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from threading import Lock

from sqlalchemy.orm import Session

from newsletter import forms
from newsletter.web.beside import WriterBeside

GATHER = 2.0
"""Seconds for which views are gathered: an orderly end waits for them."""
MOST = 10_000
"""Pairs of a form and a page that may wait while the database is away; others are not counted meanwhile."""


class ViewCounter:
    """Safe for several threads."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Session]], now: Callable[[], datetime]) -> None:
        """`transaction` opens a session of its own to write in."""
        self._transaction, self._now = transaction, now
        self._seen = Counter[tuple[int, str]]()
        self._lock = Lock()
        self._writer = WriterBeside("views", self.write, GATHER)

    def add(self, form_id: int, page: str) -> None:
        """A form came into view on a page. Returns at once."""
        with self._lock:
            if (form_id, page) not in self._seen and len(self._seen) >= MOST:
                return
            self._seen[form_id, page] += 1
        self._writer.wake()

    def write(self) -> int:
        """Write down what waits; how much waits on."""
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
        """Write down what waits, and end."""
        self._writer.close()
