"""Pulls the caller's envelopes only as they can go out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from newsletter.smtp.envelope import Envelope


class Feed:
    """Pulls envelopes one by one, each exactly once; buffers only as many as connections are opening for."""

    def __init__(self, source: Iterable[Envelope], stop: Callable[[], bool]) -> None:
        self.waiting: deque[Envelope] = deque()
        self._source: Iterator[Envelope] | None = iter(source)
        self._stop = stop

    @property
    def exhausted(self) -> bool:
        """Whether no more can come."""
        return self._source is None and not self.waiting

    def look(self) -> None:
        """Ask whether to stop; if so nothing more is pulled."""
        if self._source is not None and self._stop():
            self._source = None

    def take(self) -> Envelope | None:
        """The next envelope, None if there is none."""
        if self.waiting:
            return self.waiting.popleft()
        if self._source is None:
            return None
        envelope = next(self._source, None)
        if envelope is None:
            self._source = None
        return envelope

    def peek(self, count: int) -> int:
        """Pull until `count` envelopes wait; return how many do."""
        while len(self.waiting) < count and self._source is not None:
            envelope = next(self._source, None)
            if envelope is None:
                self._source = None
            else:
                self.waiting.append(envelope)
        return len(self.waiting)
