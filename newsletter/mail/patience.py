"""Patience with the database: what became of mails is written as soon as it can be, also through a restart."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.orm import Session

DATABASE_PATIENCE = 300.0
"""Seconds a batch on the wire waits for a database that is away, before it leaves the rest to its journal.

As long as a relay waits for us (RFC 5321 §4.5.3.2.7): what it has answered meanwhile lies in our sockets, and is read.
"""
STOPPING_PATIENCE = 30.0
"""The same for a worker that was told to stop."""
Transaction = Callable[[], AbstractContextManager[Session]]
T = TypeVar("T")
log = structlog.get_logger()


def persist(transaction: Transaction, change: Callable[[Session], T], stop: Callable[[], bool]) -> T:
    """Make a change that may be made twice: a commit that got no answer may have been one."""
    since = time.monotonic()
    while True:
        try:
            with transaction() as session:
                return change(session)
        except DBAPIError as error:
            patience = STOPPING_PATIENCE if stop() else DATABASE_PATIENCE
            if not _passes(error) or time.monotonic() - since > patience:
                raise
            log.warning("the database does not answer; trying again")
            time.sleep(0.5)


def _passes(error: DBAPIError) -> bool:
    """Whether it may be over at the next try: the database is away, only reads for now, or ended our transaction."""
    return isinstance(error, (OperationalError, InternalError)) or error.connection_invalidated
