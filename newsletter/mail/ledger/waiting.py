"""Whether anything waits to be sent: asked some times a second, so it looks into small indexes and locks nothing."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from newsletter.mail.ledger.dispatch import Batch, BatchState, Dispatch, Hold
from newsletter.mail.ledger.message import Lane
from newsletter.mail.ledger.row_claims import due


def is_waiting(session: Session, now: datetime, lane: Lane) -> bool:
    """Whether a claim in this lane would find something."""
    if session.scalar(due(lane, now).limit(1)) is not None:
        return True
    return lane is Lane.BULK and _is_part_of_a_campaign_waiting(session, now)


def _is_part_of_a_campaign_waiting(session: Session, now: datetime) -> bool:
    free = (
        select(Batch.id)
        .join(Dispatch, Dispatch.id == Batch.dispatch_id)
        .where(Batch.state == BatchState.OPEN, Dispatch.hold == Hold.OPEN)
        .where(or_(Batch.not_before.is_(None), Batch.not_before <= now))
    )
    return session.scalar(free.limit(1)) is not None


def is_unsettled(session: Session) -> bool:
    """Whether rows of a cancelled campaign are to be brought in line, or counts to be made."""
    cancelled = (
        select(Batch.id)
        .join(Dispatch, Dispatch.id == Batch.dispatch_id)
        .where(Batch.state == BatchState.OPEN, Dispatch.hold == Hold.CANCELLED)
    )
    uncounted = select(Batch.id).where(Batch.counts.is_(None), Batch.state != BatchState.CLAIMED)
    return any(session.scalar(look.limit(1)) is not None for look in (cancelled, uncounted))
