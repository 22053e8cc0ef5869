"""Rechecks a claimed weekly mail: whether its reader should still get each campaign in it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, or_, select, update
from sqlalchemy.orm import Session

from newsletter.mail.ledger.digest import DigestEntry
from newsletter.mail.ledger.dispatch import Dispatch, Hold
from newsletter.mail.ledger.message import Message, cancelled
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.ledger.row_claims import ClaimedMessage
from newsletter.subscribers import Stream, Subscriber, takes_topic


def still_wanted(session: Session, claimed: list[ClaimedMessage], now: datetime) -> list[ClaimedMessage]:
    """The claimed messages, with weekly mails stripped of campaigns no longer wanted, and empty ones dropped.

    A campaign cancelled since, or whose topic the reader has left, is left out for good; a paused one waits for the
    next weekly mail. An empty weekly mail is cancelled.
    """
    mails = {one.id: one for one in claimed if one.stream is Stream.DIGEST}
    if not mails:
        return claimed
    out, reasons = _not_to_come(session, list(mails))
    for reason in {*reasons.values()}:
        _leave_out(session, [id for id in out if reasons[id] is reason], reason, now)
    empty = []
    for mail in mails.values():
        left = [one for one in mail.context["digest"] if one["message"] not in out]
        if len(left) < len(mail.context["digest"]):
            mail.context = {**mail.context, "digest": left}
            changed: dict[str, Any] = {"context": mail.context} if left else cancelled(now, Reason.CAMPAIGN_CANCELLED)
            session.execute(update(Message).where(Message.id == mail.id).values(**changed))
            empty += [] if left else [mail.id]
    return [one for one in claimed if one.id not in empty]


def _not_to_come(session: Session, mails: Sequence[int]) -> tuple[set[int], dict[int, Reason | None]]:
    """The messages in these mails to leave out, and why for good; None: their campaign is paused."""
    wanted = or_(Dispatch.topic_id.is_(None), takes_topic(Dispatch.topic_id.expression))
    rows = session.execute(
        select(DigestEntry.message_id, case((wanted, 1), else_=0), Dispatch.hold)
        .join(Dispatch, Dispatch.id == DigestEntry.dispatch_id)
        .join(Subscriber, Subscriber.id == DigestEntry.subscriber_id)
        .where(DigestEntry.digest_id.in_(mails), DigestEntry.reason.is_(None))
        .where(or_(~wanted, Dispatch.hold != Hold.OPEN))
    )
    why: dict[int, Reason | None] = {}
    for id, takes, hold in rows:
        why[id] = None if hold is Hold.PAUSED else Reason.CAMPAIGN_CANCELLED
        if not takes:
            why[id] = Reason.TOPIC_LEFT
    return set(why), why


def _leave_out(session: Session, ids: Sequence[int], reason: Reason | None, now: datetime) -> None:
    again: dict[str, Any] = {"digest_id": None, "counts_from": now, "due_at": now}
    changed = again if reason is None else {"reason": reason}
    session.execute(
        update(DigestEntry)
        .where(DigestEntry.message_id.in_(ids))
        .values(**changed)
        .execution_options(synchronize_session=False)
    )
