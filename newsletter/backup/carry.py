"""Who left, bounced, complained or was erased since the backup stays so: it is read before the old data goes.

It waits in a file beside the restored database and is written into that once, also when the restore is killed between.
"""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from newsletter import feedback, journey
from newsletter.db import Database
from newsletter.events import By, Press
from newsletter.subscribers import Status, Subscriber, Suppression, SuppressionReason
from newsletter.subscribers.suppression import address_hashes

BY_RESTORE = Press(By.OWNER, "It had happened before a backup from an earlier time was put back.", "restore")
GONE = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
STAYS = {SuppressionReason.REFUSED, SuppressionReason.OWNER}
"""Suppressions that do not tell that somebody was erased: a reader may have refused what a stranger typed."""


def gather(old: Database, key_fingerprint: str) -> dict[str, Any] | None:
    """What the old database knows of who is gone; None: it cannot be read, or is another installation's."""
    named = ", ".join(f"'{status}'" for status in GONE)
    try:
        with old.reading() as session:
            keys = session.scalars(text("SELECT key_print FROM brand UNION SELECT key_print FROM retired_keys")).all()
            if key_fingerprint not in keys:
                return None
            people = session.execute(text(f"SELECT email_key, status FROM subscribers WHERE status IN ({named})"))  # noqa: S608
            suppressed: dict[str, str] = dict(
                session.execute(text("SELECT address_hash, reason FROM suppressions")).all()
            )
            there = "SELECT email_key FROM subscribers" if STAYS & set(suppressed.values()) else None
            return {
                "people": dict(people.all()), "suppressed": suppressed,
                "there": list(session.scalars(text(there))) if there else [],
            }  # fmt: skip
    except SQLAlchemyError:
        return None


def keep(known: dict[str, Any], file: Path) -> None:
    """Write it down, for its owner's eyes only."""
    half = file.with_suffix(".half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        json.dump(known, target)
        target.flush()
        os.fsync(target.fileno())
    half.replace(file)


def _end(session: Session, subscriber: Subscriber, status: Status, at: datetime) -> None:
    if status is Status.UNSUBSCRIBED:
        journey.unsubscribe(session, subscriber, at, goodbye=False, press=BY_RESTORE)
    else:
        feedback.suppress(session, subscriber, status, at, press=BY_RESTORE)


def carry(session: Session, file: Path, secrets: Sequence[bytes]) -> int:
    """Bring it into the restored database; how many people it changed. May be done again."""
    known = json.loads(file.read_text())
    people, suppressed, there = known["people"], known["suppressed"], set(known["there"])
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    changed = 0
    for subscriber in session.scalars(select(Subscriber).where(Subscriber.status.not_in(GONE))).all():
        status = people.get(subscriber.email_key)
        if status is not None:
            _end(session, subscriber, Status(status), written)
            changed += 1
        elif subscriber.email_key not in there and _is_among(suppressed, secrets, subscriber):
            journey.forget(session, subscriber)
            changed += 1
    kept = set(session.scalars(select(Suppression.address_hash)))
    session.add_all(
        Suppression(address_hash=hashed, reason=SuppressionReason(reason), created_at=written)
        for hashed, reason in suppressed.items()
        if hashed not in kept
    )
    return changed


def _is_among(suppressed: dict[str, str], secrets: Sequence[bytes], subscriber: Subscriber) -> bool:
    return not suppressed.keys().isdisjoint(address_hashes(secrets, subscriber.email_key))
