"""Removes an erased address from elsewhere in the ledger: servers repeat it in replies, which owners see."""

from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from newsletter.db import without, without_inside
from newsletter.mail.ledger.dispatch import Dispatch
from newsletter.mail.ledger.message import Attempt, Message


def forget_mentions(session: Session, address: str) -> None:
    """Remove the address from pause reasons, from replies to mail to others, and from mail to owners."""

    def names_it(column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        return column.icontains(address, autoescape=True)

    for dispatch in session.scalars(select(Dispatch).where(names_it(Dispatch.hold_reason))):
        dispatch.hold_reason = without(address, dispatch.hold_reason)
    for attempt in session.scalars(select(Attempt).where(names_it(Attempt.reply))):
        attempt.reply = without(address, attempt.reply)
    # Replies to sent messages name nobody; the few troubled ones have an index.
    for message in session.scalars(select(Message).where(Message.troubled_at.is_not(None), names_it(Message.reply))):
        message.reply = without(address, message.reply or "")
    for message in session.scalars(select(Message).where(Message.owner_id.is_not(None))):
        message.reply = message.reply and without(address, message.reply)
        message.context = without_inside(address, message.context)
