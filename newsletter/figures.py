"""Figures: cached numbers that take a full table scan, such as how many people have confirmed.

While tables are small, each is counted on request. Once they are large, a page shows a recent count while the next runs
in the background. Only sessions opened for display carry `Figures`; decisions and the command line always count.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

T = TypeVar("T")
log = structlog.get_logger()
LEAST = 30.0
"""Seconds for which a figure is fresh, at least."""
SHARE = 50
"""Counting may take one part in this many of the time."""
MOST = 1000
"""Figures kept; the least recently used are dropped first."""
_FIGURES, _OLDEST = "figures", "oldest figure"


@dataclass(frozen=True, slots=True)
class _Counted:
    value: Any
    at: float
    took: float


class Figures:
    """The figures of one process. Thread-safe."""

    def __init__(self, reading: Callable[[], AbstractContextManager[Session]], is_large: Callable[[Session], bool],
                 clock: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        """`reading` opens a session for background counts; `clock` returns seconds."""
        self._reading = reading
        self._is_large = is_large
        self.clock = clock
        self._kept: OrderedDict[Hashable, _Counted] = OrderedDict()
        self._due: set[Hashable] = set()
        self._lock = Lock()
        self._counter = ThreadPoolExecutor(1, thread_name_prefix="figures")
        self._large = False

    def carried_by(self, session: Session) -> Session:
        """Attach the figures to a session for display, and return it."""
        session.info[_FIGURES] = self
        return session

    def of(self, session: Session, key: Hashable, count: Callable[[Session], T]) -> T:
        """The figure with this key, counting it if needed."""
        if not self._must_keep(session):
            return count(session)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        if kept is None:
            kept = self._count(session, key, count)
        elif self.clock() - kept.at > max(LEAST, SHARE * kept.took):
            self._count_again(key, count)
        session.info[_OLDEST] = min(session.info.get(_OLDEST, kept.at), kept.at)
        value: T = kept.value
        return value

    def if_kept(self, session: Session, key: Hashable, count: Callable[[Session], T]) -> T | None:
        """The same, but None instead of a first count of a large table: that runs in the background."""
        if self._must_keep(session) and key not in self._kept:
            self._count_again(key, count)
            return None
        return self.of(session, key, count)

    def age(self, session: Session) -> float:
        """The age in seconds of the oldest figure this session has used; 0 if all were counted for it."""
        oldest = session.info.get(_OLDEST)
        return 0.0 if oldest is None else self.clock() - oldest

    def wait(self) -> None:
        """Block until no count is under way."""
        self._counter.submit(lambda: None).result()

    def _must_keep(self, session: Session) -> bool:
        self._large = self._large or self._is_large(session)
        return self._large

    def _count(self, session: Session, key: Hashable, count: Callable[[Session], Any]) -> _Counted:
        begun = self.clock()
        value = count(session)
        counted = _Counted(value, self.clock(), self.clock() - begun)
        with self._lock:
            self._kept[key] = counted
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return counted

    def _count_again(self, key: Hashable, count: Callable[[Session], Any]) -> None:
        with self._lock:
            if key in self._due:
                return
            self._due.add(key)
        self._counter.submit(self._beside, key, count)

    def _beside(self, key: Hashable, count: Callable[[Session], Any]) -> None:
        try:
            with self._reading() as session:
                self._count(session, key, count)
        except SQLAlchemyError as error:  # the database is away: the old figure stays, and shows its age
            log.warning("a figure could not be counted again", figure=str(key)[:80], error=type(error).__name__)
        finally:
            with self._lock:
                self._due.discard(key)


def figure(session: Session, key: Hashable, count: Callable[[Session], T]) -> T:
    """Count, or return a recent count if this session is only for display.

    `count` gets a session, possibly not this one, and returns plain values, no records.
    """
    figures: Figures | None = session.info.get(_FIGURES)
    return count(session) if figures is None else figures.of(session, key, count)


def figure_if_kept(session: Session, key: Hashable, count: Callable[[Session], T]) -> T | None:
    """The same, but None where counting would take long: it runs in the background, so ask again later."""
    figures: Figures | None = session.info.get(_FIGURES)
    return count(session) if figures is None else figures.if_kept(session, key, count)
