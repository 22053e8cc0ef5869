"""What beat looks for before it publishes a tick: one that finds nothing costs ten times as much as the look."""

from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import Session

from newsletter import bulk_actions, campaigns, feeds, imports, journey, link_checks, sending, sequences
from newsletter.db import UtcDateTime
from newsletter.mail.ledger import Lane
from newsletter.mail.ledger.waiting import is_waiting
from newsletter.preflight import spam

_NOW: ColumnElement[datetime] = bindparam("now", type_=UtcDateTime())
LOOKS: dict[str, ColumnElement[bool]] = {
    "deliver-transactional": is_waiting(Lane.TRANSACTIONAL, _NOW),
    "deliver-bulk": is_waiting(Lane.BULK, _NOW),
    "advance-sequences": sequences.is_due(_NOW),
    "end-pauses": journey.pause_is_over(_NOW),
    "send-digests": campaigns.digest_is_due(_NOW),
    "launch-campaigns": campaigns.is_time(_NOW),
    "tend-campaigns": campaigns.is_under_way(_NOW),
    "imports": imports.is_waiting(_NOW),
    "feeds": feeds.is_waiting(_NOW),
    "sending-looks": sending.is_waiting(_NOW),
    "spam-scores": spam.is_waiting(_NOW),
    "link-checks": link_checks.is_waiting(_NOW),
    "bulk-actions": bulk_actions.is_waiting(_NOW),
}
"""By the names of the beat table's ticks, without the numbers of those that there are several of."""
_ALL = select(*(condition.label(name) for name, condition in LOOKS.items()))
"""All of them in one statement, built once: that was most of what an idle second cost."""


def seen_by(session: Session, now: datetime) -> dict[str, bool]:
    """What every look finds."""
    return dict(session.execute(_ALL, {"now": now}).one()._mapping)


def look_before(tick: str) -> str | None:
    """The look for a line of the beat table; None: it is published in any case."""
    name = tick.rstrip("-0123456789")
    return name if name in LOOKS else None
