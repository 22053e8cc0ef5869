"""Carries over a restore who left, stopped, moved, bounced, complained or was erased since the backup.

Read from the old data before it is replaced, kept in a file, and applied to the restored database even after a crash.
"""

import json
import os
from collections.abc import Sequence as SequenceOf
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Integer, String, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from newsletter import clicks, feedback, journey
from newsletter.db import IN_ONE_STATEMENT, Database, UtcDateTime, batched
from newsletter.events import By, Press
from newsletter.sequences import Enrollment, Sequence
from newsletter.sequences.enrollment import LIVE
from newsletter.subscribers import (
    Address,
    AddressChange,
    Status,
    Subscriber,
    Suppression,
    SuppressionReason,
    TopicChoice,
)
from newsletter.subscribers.suppression import address_hashes

BY_RESTORE = Press(By.OWNER, "It had happened before a backup from an earlier time was put back.", "restore")
_GONE = "SELECT email_key, status FROM subscribers WHERE status IN ('unsubscribed', 'bounced', 'complained')"
_SUPPRESSED = "SELECT address_hash, reason FROM suppressions"
_THERE = "SELECT email_key FROM subscribers"
_NO_NEWSLETTER = (
    "SELECT DISTINCT s.email_key FROM subscribers s JOIN events e ON e.subscriber_id = s.id "
    "WHERE e.kind = 'newsletter-off' AND NOT s.newsletter"
)
_CHOSEN = (
    "SELECT s.email_key, n.topic_id FROM subscribers s LEFT JOIN subscriptions n ON n.subscriber_id = s.id "
    "WHERE NOT s.every_topic"
)
_PAUSED = "SELECT email_key, paused_until FROM subscribers WHERE paused_until IS NOT NULL"
_WEEKLY = "SELECT email_key FROM subscribers WHERE digest"
_OBJECTS = "SELECT s.email_key FROM click_objections c JOIN subscribers s ON s.id = c.subscriber_id"
_MOVED = "SELECT id, created_at, email, email_key, moved_at FROM subscribers WHERE moved_at IS NOT NULL"
_LEFT_BOUNCED = (
    "SELECT DISTINCT s.email_key FROM subscribers s JOIN events e ON e.subscriber_id = s.id "
    "WHERE s.status = 'bounced' AND e.kind = 'left' AND e.before = 'bounced'"
)
_STOPPED = (
    "SELECT DISTINCT s.email_key, q.slug FROM events e JOIN subscribers s ON s.id = e.subscriber_id "
    "JOIN sequences q ON q.id = e.sequence_id WHERE e.kind = 'series-stopped' AND NOT EXISTS ("
    "SELECT 1 FROM enrollments n WHERE n.subscriber_id = s.id AND n.sequence_id = q.id "
    "AND n.status IN ('waiting', 'active'))"
)
STAYS = {SuppressionReason.REFUSED, SuppressionReason.OWNER}
"""Suppressions that do not prove an erasure: a reader may have refused what a stranger typed."""


def gather(old: Database, key_fingerprint: str) -> dict[str, Any] | None:
    """The opt-outs in the old database; None if it cannot be read or belongs to another installation."""
    try:
        with old.reading() as session:
            keys = session.scalars(text("SELECT key_print FROM brand UNION SELECT key_print FROM retired_keys")).all()
            if key_fingerprint not in keys:
                return None
            suppressed: dict[str, str] = dict(session.execute(text(_SUPPRESSED)).all())
            known = {"people": dict(session.execute(text(_GONE)).all()), "suppressed": suppressed}
            there = session.scalars(text(_THERE)) if STAYS & set(suppressed.values()) else ()
            known |= {"there": list(there)} | _stopped(session) | {"topics": _chosen(session)}
            return known | {"paused": _paused(session), "objects": _objects(session), "moved": _moved(session),
                            "weekly": _weekly(session)}  # fmt: skip
    except SQLAlchemyError:
        return None


def _stopped(session: Session) -> dict[str, Any]:
    """Who has left the newsletter, and stopped series; empty for a schema too old to record them."""
    try:
        series = [list(row) for row in session.execute(text(_STOPPED))]
        off, left = session.scalars(text(_NO_NEWSLETTER)).all(), session.scalars(text(_LEFT_BOUNCED)).all()
        return {"no_newsletter": list(off), "stopped": series, "left_bounced": list(left)}
    except SQLAlchemyError:
        return {"no_newsletter": [], "stopped": [], "left_bounced": []}


def _chosen(session: Session) -> dict[str, list[int]]:
    """Topic ids by subscriber, for those who chose; empty for a schema without topic choices."""
    chosen: dict[str, list[int]] = {}
    with suppress(SQLAlchemyError):
        for key, topic in session.execute(text(_CHOSEN)):
            chosen.setdefault(key, []).extend([] if topic is None else [topic])
    return chosen


def _paused(session: Session) -> dict[str, str]:
    """End of each subscriber's pause (ISO 8601); empty for a schema without pauses."""
    with suppress(SQLAlchemyError):
        look = text(_PAUSED).columns(email_key=String, paused_until=UtcDateTime)
        return {key: until.isoformat() for key, until in session.execute(look)}
    return {}


def _weekly(session: Session) -> list[str]:
    """Who receives the weekly digest; empty for a schema without it."""
    with suppress(SQLAlchemyError):
        return list(session.scalars(text(_WEEKLY)))
    return []


def _objects(session: Session) -> list[str]:
    """Who objected to click tracking; empty for a schema without it."""
    with suppress(SQLAlchemyError):
        return list(session.scalars(text(_OBJECTS)))
    return []


def _moved(session: Session) -> list[list[Any]]:
    """Who changed their address; empty for a schema without address changes."""
    with suppress(SQLAlchemyError):
        look = text(_MOVED).columns(
            id=Integer, created_at=UtcDateTime, email=String, email_key=String, moved_at=UtcDateTime
        )
        return [[id, made.isoformat(), *to, at.isoformat()] for id, made, *to, at in session.execute(look)]
    return []


def keep(known: dict[str, Any], file: Path) -> None:
    """Write what `gather` found to a file readable only by its owner, atomically."""
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


def carry(session: Session, file: Path, secrets: SequenceOf[bytes]) -> int:
    """Apply the kept file to the restored database; returns how many people changed. Idempotent."""
    known = json.loads(file.read_text())
    people, suppressed, there = known["people"], known["suppressed"], set(known["there"])
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    left, changed = set(known.get("left_bounced", ())), _move(session, known)
    for id, key, stands in session.execute(select(Subscriber.id, Subscriber.email_key, Subscriber.status)).all():
        status = people.get(key)
        if status is not None:
            if stands not in (status, Status.COMPLAINED):  # a complaint outranks a bounce
                _end(session, session.get_one(Subscriber, id), Status(status), written)
                changed += 1
            if key in left:
                leaver = session.get_one(Subscriber, id)
                journey.unsubscribe(session, leaver, written, goodbye=False, press=BY_RESTORE)
        elif key not in there and not suppressed.keys().isdisjoint(address_hashes(secrets, key)):
            journey.forget(session, session.get_one(Subscriber, id))
            changed += 1
    kept = set(session.scalars(select(Suppression.address_hash)))
    session.add_all(
        Suppression(address_hash=hashed, reason=SuppressionReason(reason), created_at=written)
        for hashed, reason in suppressed.items()
        if hashed not in kept
    )
    return changed + _stop(session, known, written)


def _move(session: Session, known: dict[str, Any]) -> int:
    """Re-apply address changes; returns how many. Must come first: everything else is keyed by the new address."""
    waits = (AddressChange.done_at.is_(None), AddressChange.ended_at.is_(None))
    session.execute(update(AddressChange).where(*waits).values(ended_at=AddressChange.asked_at))  # maybe stopped since
    changed = 0
    for id, made, email, key, at in known.get("moved", ()):
        one = session.get(Subscriber, id)
        if one is None or one.created_at.isoformat() != made or one.email_key == key:
            continue
        before = session.scalar(select(Subscriber).where(Subscriber.email_key == key))
        if before is not None:
            journey.forget(session, before)  # held the address at the backup, and has gone since
        one.move(Address(email=email, key=key), datetime.fromisoformat(at))
        session.flush()
        changed += 1
    return changed


def _take_digest(session: Session, keys: SequenceOf[str], at: datetime) -> set[int]:
    """Restore the weekly digest; returns the ids of those it changed."""
    found: set[int] = set()
    for some in batched(keys, IN_ONE_STATEMENT):
        for one in session.scalars(select(Subscriber).where(Subscriber.email_key.in_(some))):
            found |= {one.id} if journey.take_digest(session, one, BY_RESTORE, at) else set()
    return found


def _stop(session: Session, known: dict[str, Any], at: datetime) -> int:
    """Re-apply what people stopped, narrowed or paused; returns how many people changed."""
    changed: set[int] = set()
    for keys in batched(known["no_newsletter"], IN_ONE_STATEMENT):
        for one in session.scalars(select(Subscriber).where(Subscriber.email_key.in_(keys), Subscriber.newsletter)):
            journey.leave_newsletter(session, one, BY_RESTORE, at)
            changed.add(one.id)
    chosen: dict[str, list[int]] = known.get("topics", {})
    for keys in batched(list(chosen), IN_ONE_STATEMENT):
        for one in session.scalars(select(Subscriber).where(Subscriber.email_key.in_(keys))):
            if journey.narrow_topics(session, one, TopicChoice.of(chosen[one.email_key]), BY_RESTORE, at):
                changed.add(one.id)
    paused: dict[str, str] = known.get("paused", {})
    for keys in batched(list(paused), IN_ONE_STATEMENT):
        for one in session.scalars(select(Subscriber).where(Subscriber.email_key.in_(keys))):
            if journey.pause(session, one, BY_RESTORE, at, datetime.fromisoformat(paused[one.email_key])):
                changed.add(one.id)
    changed |= _take_digest(session, known.get("weekly", []), at)
    for keys in batched(known.get("objects", []), IN_ONE_STATEMENT):
        for id in session.scalars(select(Subscriber.id).where(Subscriber.email_key.in_(keys))).all():
            if not clicks.objects(session, id):
                changed.add(id)
            clicks.object_to(session, id, at)
    for key, slug in known["stopped"]:
        theirs = select(Enrollment).join(Subscriber).join(Sequence).where(Enrollment.status.in_(LIVE))
        for way in session.scalars(theirs.where(Subscriber.email_key == key, Sequence.slug == slug)).all():
            journey.stop_series(session, way.subscriber, way.id, BY_RESTORE, at)
            changed.add(way.subscriber_id)
    return len(changed)
