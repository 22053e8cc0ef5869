"""Logging: one line per event, with nothing personal in it: no addresses, no personal links, no values.

Messages and subscribers appear by id. Libraries' logs pass through the same filters, and a traceback becomes a list of
places, not source lines that may hold a link or a password.
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any

import structlog

FRAMES = 12
LONGEST = 600
"""Characters of one value."""
PERSONAL = (
    "confirm|library|download|preferences|unsubscribe|not-me|own|view|reset|invitation|address|import|reports/[a-z]+|c"
)
_LINK = re.compile(rf"/({PERSONAL})/[^\s/?\"'<>)\]]+")
_CREDENTIALS = re.compile(r"(\w+://)[^/\s@]*@")
_ADDRESS = re.compile(r"[^\s@<>\"(),;:=\[\]]+@[^\s@<>\"'(),;:=\[\]]+")
_TOKEN = re.compile(r"\b(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{24,}")
Event = MutableMapping[str, Any]
log = structlog.get_logger()


def scrubbed(text: str) -> str:
    """A text without addresses, personal links, tokens and passwords."""
    text = _LINK.sub(r"/\1/...", text[: 4 * LONGEST])
    text = _CREDENTIALS.sub(r"\1", text)
    text = _ADDRESS.sub("[address]", text)
    return _TOKEN.sub("[token]", text)[:LONGEST]


def _facts(_: Any, __: str, event: Event) -> Event:
    """Replace a traceback by the error's type, its message, and the places it passed through."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else None
    if error is not None:
        event["error"], event["says"] = type(error).__name__, str(error)
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event["through"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _scrub(_: Any, __: str, event: Event) -> Event:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = scrubbed(value)
        elif name != "through" and not isinstance(value, int | float | bool | None):
            event[name] = scrubbed(repr(value))
    return event


def _on_one_line(_: Any, __: str, event: Event) -> Event:
    return {name: value.encode("unicode_escape").decode() if isinstance(value, str) else value
            for name, value in event.items()}  # fmt: skip


BEFORE: tuple[Any, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _facts,
    _scrub,
)


class Unfailing(structlog.WriteLogger):
    """Writes a line if it can: a full disk under the log must not make a page or a mail fail.

    Each line is one write, so that lines of two threads do not mix.
    """

    def msg(self, message: str) -> None:
        """Write one line."""
        with suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def configure() -> None:
    """Set up logging for a process, ours and libraries': readable on a terminal, JSON otherwise."""
    pretty = sys.stderr.isatty()
    last: list[Any] = (
        [_on_one_line, structlog.dev.ConsoleRenderer(colors=True)] if pretty else [structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*BEFORE, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: Unfailing(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _take_over(last)
    sys.excepthook = _unexpected
    threading.excepthook = lambda args: _unexpected(args.exc_type, args.exc_value, args.exc_traceback)


class _Line(logging.Handler):
    """Passes the standard library's log records through the same filters."""

    def __init__(self, last: list[Any]) -> None:
        super().__init__()
        self._stream, self._last = sys.stderr, last

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            event: Any = {"event": record.getMessage(), "logger": record.name, "exc_info": record.exc_info}
            for step in (*BEFORE, *self._last):
                event = step(None, record.levelname.lower(), event)
            with suppress(OSError, ValueError):  # a full disk, or a closed stream
                self._stream.write(f"{event}\n")
                self._stream.flush()
        except Exception:  # noqa: BLE001 - a log that cannot be written must not end the work it reports
            self.handleError(record)


def _take_over(last: list[Any]) -> None:
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if not isinstance(one, _Line)]
    root.addHandler(_Line(last))
    root.setLevel(logging.WARNING)
    for name in ("_granian", "granian.access"):  # granian gives them handlers without our filters
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.captureWarnings(True)


def _unexpected(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is None or issubclass(kind, KeyboardInterrupt):
        return
    log.error("ended unexpectedly", exc_info=(kind, error, trace))
