"""The lease that lets one worker at a time process an import.

Each batch commits together with its position, on condition that the lease still holds. If a worker dies or seems to,
another continues from there, and the first can write nothing more.
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
"""Longer than the first pass over the largest file takes on a slow machine. That pass renews nothing, so with a shorter
lease workers would take over from each other for ever."""
ELSEWHERE = timedelta(minutes=2)
"""How long to leave an import to the workers of the host that has its file."""


HELD = marked(
    "This installation was restored or copied while this was under way. What is in stays; it goes on, or is undone, "
    "only at your press."
)


class LeaseLost(Exception):
    """Another worker took over; the current transaction must be rolled back."""


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """SQL condition: some import has work to do and nobody holds its lease."""
    return select(Import.id).where(*_free(now)).exists()


def _free(now: Moment) -> tuple[Any, ...]:
    return Import.state.in_(WORKING), or_(Import.lease_until.is_(None), Import.lease_until < now)


def claim(session: Session, now: datetime, here: Collection[str]) -> tuple[Import, str] | None:
    """Lease the import that has waited longest; returns it and its lease token, or None. `here`: tokens of the files on
    this host; imports with files elsewhere are left to that host's workers for `ELSEWHERE`."""
    mine = or_(Import.token.in_(here), Import.state == ImportState.UNDOING, Import.touched_at < now - ELSEWHERE)
    look = select(Import).where(*_free(now), mine).order_by(Import.touched_at, Import.id).limit(1)
    found = session.scalar(look.with_for_update(skip_locked=True))
    if found is None:
        return None
    found.lease_token, found.lease_until = secrets.token_hex(16), now + LEASE
    return found, found.lease_token


def hold_back(session: Session, locked_at: datetime) -> None:
    """Stop imports that were running or being undone when the installation was locked: a copy must not resume them."""
    change = update(Import).where(
        Import.state.in_((ImportState.RUNNING, ImportState.UNDOING)), Import.touched_at < locked_at
    )
    finished = func.coalesce(Import.finished_at, locked_at)
    stopped = {"state": ImportState.STOPPED, "problem": HELD, "lease_token": None, "lease_until": None}
    session.execute(change.values(finished_at=finished, **stopped).execution_options(synchronize_session=False))


def renew(session: Session, id: int, lease: str, now: datetime, **values: Any) -> ImportState:
    """Extend the lease and update `values`; returns the import's current state. Raises LeaseLost."""
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
    """Give up the lease; returns the locked import, or None if the lease was lost or the import deleted."""
    found = session.scalar(select(Import).where(Import.id == id, Import.lease_token == lease).with_for_update())
    if found is not None:
        found.lease_token = found.lease_until = None
    return found
