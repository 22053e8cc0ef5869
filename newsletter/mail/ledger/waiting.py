"""Checks whether anything waits to be sent: several times a second, so from small indexes and without locks."""

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from newsletter.db import Moment
from newsletter.mail.ledger.digest import DigestEntry
from newsletter.mail.ledger.dispatch import IS_OPEN, Batch, BatchState, Dispatch, Hold
from newsletter.mail.ledger.message import UNDER_WAY, Lane, Message
from newsletter.mail.ledger.row_claims import due


def is_waiting(lane: Lane, now: Moment) -> ColumnElement[bool]:
    """The condition that a claim in this lane would find something."""
    waits = due(lane, now).order_by(None).exists()
    return or_(waits, _is_part_of_a_campaign_waiting(now)) if lane is Lane.BULK else waits


def _is_part_of_a_campaign_waiting(now: Moment) -> ColumnElement[bool]:
    # From the few open batches to their dispatches, not the reverse: dispatches stay open after they went out.
    goes = select(Dispatch.id).where(Dispatch.id == Batch.dispatch_id, Dispatch.hold == Hold.OPEN).exists()
    has_come = or_(Batch.not_before.is_(None), Batch.not_before <= now)
    return select(Batch.id).where(IS_OPEN, has_come, goes).exists()


def is_unsettled() -> ColumnElement[bool]:
    """The condition that rows of a cancelled campaign have yet to be cancelled, or batches to be counted."""
    cancelled = (
        select(Batch.id)
        .join(Dispatch, Dispatch.id == Batch.dispatch_id)
        .where(Batch.state == BatchState.OPEN, Dispatch.hold == Hold.CANCELLED)
    )
    uncounted = select(Batch.id).where(Batch.counts.is_(None), Batch.state != BatchState.CLAIMED)
    return or_(cancelled.exists(), uncounted.exists())


def is_at_rest(session: Session, dispatch_id: int) -> bool:
    """Whether all messages of a dispatch have their outcome: no worker holds one, alone or in a weekly mail."""
    batches = select(Batch.id).where(Batch.dispatch_id == dispatch_id, Batch.state != BatchState.DONE)
    alone = select(Message.id).where(
        Message.lane == Lane.BULK, Message.due_at.is_not(None), Message.dispatch_id == dispatch_id
    )
    mail = select(Message.id).where(Message.id == DigestEntry.digest_id, Message.state.in_(UNDER_WAY))
    weekly = select(DigestEntry.message_id).where(DigestEntry.dispatch_id == dispatch_id, mail.exists())
    return session.scalar(select(or_(batches.exists(), alone.exists(), weekly.exists()))) is False
