"""Retries a transaction, so that outcomes are recorded even through a restart of the database."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.orm import Session

RETRY_LIMIT = 300.0
"""Seconds to wait for an unreachable database while messages are on the wire; after that the journal has the rest.

A relay waits for us as long (RFC 5321 §4.5.3.2.7): its replies stay in our sockets meanwhile.
"""
RETRY_LIMIT_STOPPING = 30.0
"""The same for a worker that is stopping."""
Transaction = Callable[[], AbstractContextManager[Session]]
T = TypeVar("T")
log = structlog.get_logger()


def persist(transaction: Transaction, change: Callable[[Session], T], stop: Callable[[], bool]) -> T:
    """Make an idempotent change, retrying while the database is away: a commit without an answer may have succeeded."""
    since = time.monotonic()
    while True:
        try:
            with transaction() as session:
                return change(session)
        except DBAPIError as error:
            limit = RETRY_LIMIT_STOPPING if stop() else RETRY_LIMIT
            if not _passes(error) or time.monotonic() - since > limit:
                raise
            log.warning("the database does not answer; trying again")
            time.sleep(0.5)


def _passes(error: DBAPIError) -> bool:
    """Whether a retry may succeed: the database is away, read-only for now, or aborted our transaction."""
    return isinstance(error, (OperationalError, InternalError)) or error.connection_invalidated
