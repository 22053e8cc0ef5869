"""Report: one mail about a message that came back, and the message as it stands, ready to take it."""

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
"""A report that is quicker than our own record of what was sent."""


class Report(StrEnum):
    """What became of a report."""

    TAKEN = "taken"
    KNOWN = "known"
    """It changes nothing: it was taken before, or the message is gone."""
    TOO_EARLY = "too-early"
    """Its message is not on record as sent yet: it should be offered again."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom and what a report is about. The subscriber is locked; None: the mail was to an owner."""

    subscriber: Subscriber | None
    state: State
    settled_at: datetime | None = None

    @property
    def is_of_an_earlier_address(self) -> bool:
        """Whether its reader has moved to another address since it was sent."""
        moved = self.subscriber.moved_at if self.subscriber else None
        return moved is not None and self.settled_at is not None and self.settled_at < moved


def subject(session: Session, message_id: int) -> Subject | None:
    """Lock the subscriber of a message, and read its state after that; None: there is no such message any more."""
    found = session.execute(select(Message.subscriber_id).where(Message.id == message_id)).first()
    if found is None:
        return None
    person = session.get(Subscriber, found[0], with_for_update=True, populate_existing=True) if found[0] else None
    row = session.execute(select(Message.state, Message.settled_at).where(Message.id == message_id)).first()
    return Subject(person, *row) if row is not None else None


def settle(session: Session, message_id: int, state: State, among: Collection[State], told: Attempt) -> bool:
    """Write what was reported onto a message that is in one of these states, and keep it as an attempt.

    The batch is locked before the message, as everywhere (docs/architecture.md, "Locks").
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
    """What a report said, for the record: without what no database takes, whatever charset the words were in."""
    return Attempt(
        message_id=message_id,
        at=now,
        state=state,
        relay="",
        code=code,
        enhanced=enhanced[:12],
        reply=characters.text(words)[:500],
    )
