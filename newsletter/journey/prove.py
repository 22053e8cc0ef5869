"""Proves by a link sent to a mailbox that the person asking reads it.

Anyone with a link can open a preferences page, and mails get forwarded. That is good enough to unsubscribe, but not to
read all that is held about somebody, or to delete it for good.
"""

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from newsletter.db import lock
from newsletter.mail import ledger
from newsletter.mail.ledger import Message
from newsletter.subscribers import Stream, Subscriber, held_until

PROOF_FOR = timedelta(hours=24)
MOST_A_DAY = 3
"""Mails a day, of all kinds together, that presses on a reader's page may send to their mailbox: anyone with a link to
that page can press."""


class Proof(IntEnum):
    """What a link proves; a number in its token."""

    DATA = 1
    """Show all that is held."""
    ERASE = 2
    """Delete it."""
    MOVE = 3
    """At the new address: confirm the change. The number with it is the change's id."""
    STAY = 4
    """At the present address: stop that change, or undo it."""


def ask_proof(session: Session, subscriber: Subscriber, what: Proof, now: datetime) -> bool:
    """Send the link to their mailbox; a double click within a minute sends one.

    Return False if the day's mails are used up, they may not receive it, or that mailbox proves nothing yet.
    """
    lock(session, subscriber)
    if held_until(session, subscriber.id, now):
        return False
    key = f"prove:{what.name.lower()}:{now:%Y-%m-%dT%H:%M}"
    known = (Message.subscriber_id == subscriber.id, Message.idempotency_key == key)
    if session.scalar(select(Message.id).where(*known)) is not None:
        return True
    if not subscriber.may_receive(Stream.PROVE) or is_often_enough(session, subscriber, now):
        return False
    ledger.queue(session, subscriber, Stream.PROVE, key, now, context=link_to(what, subscriber.id, now))
    return True


def is_often_enough(session: Session, subscriber: Subscriber, now: datetime) -> bool:
    """Whether presses on their page have used up the day's mails to their mailbox.

    Requests by others to move to this address are not counted.
    """
    key = Message.idempotency_key
    pressed = or_(key.startswith("prove:", autoescape=True), key.startswith("stay:", autoescape=True))
    theirs = (Message.subscriber_id == subscriber.id, Message.stream == Stream.PROVE, pressed)
    lately = select(func.count()).where(*theirs, Message.created_at > now - timedelta(days=1))
    return (session.scalar(lately) or 0) >= MOST_A_DAY


def proves(subscriber: Subscriber, last_second: int) -> bool:
    """Whether a link that expires at `last_second` was sent to their present mailbox."""
    sent = last_second - PROOF_FOR // timedelta(seconds=1)
    return subscriber.moved_at is None or sent >= int(subscriber.moved_at.timestamp())


def link_to(what: Proof, number: int, now: datetime) -> dict[str, Any]:
    """The context of a mail with such a link."""
    link = [int(what), number, int((now + PROOF_FOR).timestamp())]
    return {"what": what.name.lower(), "prove": link, "hours": PROOF_FOR // timedelta(hours=1)}
