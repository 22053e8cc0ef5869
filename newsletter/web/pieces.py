"""Pieces: an answer that is made while it is sent, so that it is never in memory as a whole."""

from collections.abc import Iterator
from typing import Self

import structlog

log = structlog.get_logger()


class Pieces:
    """The octets of an answer, piece by piece. Each is made in a thread of its own turn (`front`), so what makes them
    must hang on no request and on no thread.

    Its status has gone when a later piece fails: then `broken` is the last one, so that nobody takes half for the
    whole.
    """

    def __init__(self, texts: Iterator[str], broken: str) -> None:
        self._texts = texts
        self._broken = broken
        self._is_over = False

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> bytes:
        """The next piece."""
        if self._is_over:
            raise StopIteration
        try:
            return next(self._texts).encode()
        except StopIteration:
            self._is_over = True
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the rest of the answer is missing
            log.error("answer is broken off", error=repr(error))
            self._is_over = True
            return self._broken.encode()
