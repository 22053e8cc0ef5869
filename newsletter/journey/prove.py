"""What only the reader of a mailbox may do: a link that is sent there proves it.

A preferences page opens for whoever has one of its links, and mails are passed on. That is good enough to leave, and
not to read all that is held of somebody, or to delete it for good.
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
"""Mails that presses on somebody's page bring to their mailbox in a day, of all kinds together: whoever has a link to
that page can press."""


class Proof(IntEnum):
    """What a link is for: a number in its token."""

    DATA = 1
    """To see all that is held."""
    ERASE = 2
    """To have it deleted."""
    MOVE = 3
    """At the new address: to be written to there. The number behind it is the change's."""
    STAY = 4
    """At the present address: to stop that change, or to take it back."""


def ask_proof(session: Session, subscriber: Subscriber, what: Proof, now: datetime) -> bool:
    """Send the link to their mailbox. A double click in one minute sends one. False: that was often enough for a day,
    they are not written to, or that mailbox proves nothing yet."""
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
    """Whether presses on their page have brought as much to their mailbox as they may in a day. What somebody else
    asked for, who wants to move there, is not counted."""
    key = Message.idempotency_key
    pressed = or_(key.startswith("prove:", autoescape=True), key.startswith("stay:", autoescape=True))
    theirs = (Message.subscriber_id == subscriber.id, Message.stream == Stream.PROVE, pressed)
    lately = select(func.count()).where(*theirs, Message.created_at > now - timedelta(days=1))
    return (session.scalar(lately) or 0) >= MOST_A_DAY


def proves(subscriber: Subscriber, last_second: int) -> bool:
    """Whether the link whose time ends then was sent to the mailbox that they have now."""
    sent = last_second - PROOF_FOR // timedelta(seconds=1)
    return subscriber.moved_at is None or sent >= int(subscriber.moved_at.timestamp())


def link_to(what: Proof, number: int, now: datetime) -> dict[str, Any]:
    """What the mail with such a link has to know."""
    link = [int(what), number, int((now + PROOF_FOR).timestamp())]
    return {"what": what.name.lower(), "prove": link, "hours": PROOF_FOR // timedelta(hours=1)}
