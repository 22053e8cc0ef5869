"""One mail a week instead of single ones: turned on and off only by the reader's own press."""

from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.db import lock
from newsletter.events import EventKind, Press, note
from newsletter.subscribers import Stream, Subscriber


def take_digest(session: Session, subscriber: Subscriber, press: Press, now: datetime) -> bool:
    """Combine campaigns into one mail a week; return False if they take none, or do so already.

    Claims check this, so messages a worker has already claimed still come singly.
    """
    lock(session, subscriber)
    if subscriber.digest or not subscriber.takes(Stream.DIGEST):
        return False
    subscriber.digest = True
    note(session, subscriber.id, EventKind.DIGEST_ON, press, now)
    return True


def take_singles(session: Session, subscriber: Subscriber, press: Press, now: datetime) -> bool:
    """Send each campaign singly again; return False if they were. What waits already still comes in a weekly mail."""
    lock(session, subscriber)
    if not subscriber.digest:
        return False
    subscriber.digest = False
    note(session, subscriber.id, EventKind.DIGEST_OFF, press, now)
    return True
