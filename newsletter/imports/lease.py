"""The lease by which one worker at a time goes on with an import.

Each batch is one transaction with the position behind it and the lease in its condition: a worker that is killed, or
thought to be, is followed by another that goes on from there, and writes nothing more itself.
"""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.db import Moment
from newsletter.imports.record import WORKING, Import, ImportState
from newsletter.languages import marked

LEASE = timedelta(minutes=2)
"""Longer than the largest file is read for before its first batch, on a slow machine too: while it is read nothing is
renewed, and workers that took each other for dead would never come to an end."""
ELSEWHERE = timedelta(minutes=2)
"""How long an import whose file is not on this host waits for the workers of the host where it is."""


HELD = marked(
    "This installation was restored or copied while this was under way. What is in stays; it goes on, or is undone, "
    "only at your press."
)


class LeaseLost(Exception):
    """Another worker has taken over: what this one was about to write is not written."""


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """That a worker should look, as a condition: an import is to go on, and nobody has a lease on it."""
    return select(Import.id).where(*_free(now)).exists()


def _free(now: Moment) -> tuple[Any, ...]:
    return Import.state.in_(WORKING), or_(Import.lease_until.is_(None), Import.lease_until < now)


def claim(session: Session, now: datetime, here: Collection[str]) -> tuple[Import, str] | None:
    """An import that is to go on, and the lease on it; None: there is none. `here`: the names of the files on this
    host. One whose file is elsewhere is left to the workers of that host, for a while."""
    mine = or_(Import.token.in_(here), Import.state == ImportState.UNDOING, Import.touched_at < now - ELSEWHERE)
    look = select(Import).where(*_free(now), mine).order_by(Import.touched_at, Import.id).limit(1)
    found = session.scalar(look.with_for_update(skip_locked=True))
    if found is None:
        return None
    found.lease_token, found.lease_until = secrets.token_hex(16), now + LEASE
    return found, found.lease_token


def hold_back(session: Session, locked_at: datetime) -> None:
    """Stop what was being written or undone before the installation was locked: nothing goes on there by itself."""
    change = update(Import).where(
        Import.state.in_((ImportState.RUNNING, ImportState.UNDOING)), Import.touched_at < locked_at
    )
    finished = func.coalesce(Import.finished_at, locked_at)
    stopped = {"state": ImportState.STOPPED, "problem": HELD, "lease_token": None, "lease_until": None}
    session.execute(change.values(finished_at=finished, **stopped).execution_options(synchronize_session=False))


def renew(session: Session, id: int, lease: str, now: datetime, **values: Any) -> ImportState:
    """Keep the lease, together with what has come of the work; where the import stands now. Raises LeaseLost."""
    change = update(Import).where(Import.id == id, Import.lease_token == lease)
    stands = session.scalar(
        change.values(lease_until=now + LEASE, touched_at=now, **values)
        .returning(Import.state)
        .execution_options(synchronize_session=False)
    )
    if stands is None:
        raise LeaseLost
    return stands


def release(session: Session, id: int, lease: str) -> Import | None:
    """Give the lease back, and the import, locked; None: somebody else has it by now, or it was deleted."""
    found = session.scalar(select(Import).where(Import.id == id, Import.lease_token == lease).with_for_update())
    if found is not None:
        found.lease_token = found.lease_until = None
    return found
