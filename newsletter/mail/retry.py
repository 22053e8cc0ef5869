"""Retrying a transaction: outcomes are recorded as soon as the database can take them, even through its restart."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.orm import Session

RETRY_LIMIT = 300.0
"""Seconds for which messages on the wire wait for a database that is away, before the rest is left to the journal.

A relay waits for us as long (RFC 5321 §4.5.3.2.7): its answers stay in our sockets meanwhile, and are read then.
"""
RETRY_LIMIT_STOPPING = 30.0
"""The same for a worker that was told to stop."""
Transaction = Callable[[], AbstractContextManager[Session]]
T = TypeVar("T")
log = structlog.get_logger()


def persist(transaction: Transaction, change: Callable[[Session], T], stop: Callable[[], bool]) -> T:
    """Make a change that may be made twice: a commit without an answer may have succeeded."""
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
    """Whether another try may succeed: the database is away, read-only for now, or has ended our transaction."""
    return isinstance(error, (OperationalError, InternalError)) or error.connection_invalidated
