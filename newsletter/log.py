"""Logs: one line an event, no addresses in them (a message or subscriber is named by its number)."""

import logging
import sys
from contextlib import suppress

import structlog


class Unfailing(structlog.PrintLogger):
    """Writes a line where it can: a full disk under the log is no reason for a page, or a mail, to fail."""

    def msg(self, message: str) -> None:
        """One line."""
        with suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def configure() -> None:
    """Set up structlog for a process: readable on a terminal, JSON otherwise."""
    pretty = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=True) if pretty else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: Unfailing(sys.stderr),
        cache_logger_on_first_use=True,
    )
