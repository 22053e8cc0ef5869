"""What bounces and complaints share: locking what a report is about, and writing its outcome onto the message."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import characters
from newsletter.mail.ledger import Attempt, Message, State
from newsletter.mail.ledger.counts import invalidate
from newsletter.subscribers import Subscriber

ON_ITS_WAY = (State.READY, State.CLAIMED, State.SENDING)
"""A report can arrive before we have recorded the message as sent."""


class Report(StrEnum):
    """The result of handling a report."""

    TAKEN = "taken"
    KNOWN = "known"
    """No effect: handled before, or the message is gone."""
    TOO_EARLY = "too-early"
    """Its message is not recorded as sent yet: retry later."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about. `subscriber` is locked; None if the mail went to an owner."""

    subscriber: Subscriber | None
    state: State
    settled_at: datetime | None = None

    @property
    def is_of_an_earlier_address(self) -> bool:
        """Whether the reader has changed their address since it was sent."""
        moved = self.subscriber.moved_at if self.subscriber else None
        return moved is not None and self.settled_at is not None and self.settled_at < moved


def subject(session: Session, message_id: int) -> Subject | None:
    """Lock the subscriber of a message, then read its state; None if the message is gone."""
    found = session.execute(select(Message.subscriber_id).where(Message.id == message_id)).first()
    if found is None:
        return None
    person = session.get(Subscriber, found[0], with_for_update=True, populate_existing=True) if found[0] else None
    row = session.execute(select(Message.state, Message.settled_at).where(Message.id == message_id)).first()
    return Subject(person, *row) if row is not None else None


def settle(session: Session, message_id: int, state: State, among: Collection[State], told: Attempt) -> bool:
    """Set the reported state on a message if it is in one of `among`, and record the attempt; False if it is not.

    Locks the batch before the message (docs/architecture.md, "Locks").
    """
    invalidate(session, [message_id])
    message = session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if message is None or message.state not in among:
        return False
    message.state, message.due_at, message.claim_token, message.reason = state, None, None, None
    message.troubled_at = told.at
    message.reply_code, message.enhanced, message.reply = told.code or None, told.enhanced or None, told.reply or None
    session.add(told)
    return True


def attempt(message_id: int, state: State, now: datetime, *, code: int = 0, enhanced: str = "",
            words: str = "") -> Attempt:  # fmt: skip
    """An unsaved Attempt with what a report said, stripped of characters that databases refuse."""
    return Attempt(
        message_id=message_id,
        at=now,
        state=state,
        relay="",
        code=code,
        enhanced=enhanced[:12],
        reply=characters.text(words)[:500],
    )
