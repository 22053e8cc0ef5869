"""One mail a week in place of single ones: chosen, and taken back, by the reader's own press and nothing else."""

from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.db import lock
from newsletter.events import EventKind, Press, note
from newsletter.subscribers import Stream, Subscriber


def take_digest(session: Session, subscriber: Subscriber, press: Press, now: datetime) -> bool:
    """Campaigns come together once a week from now on. False: they take none, or take them so already.

    The claims ask for it, so of one that is going out just now comes by itself what a worker holds already.
    """
    lock(session, subscriber)
    if subscriber.digest or not subscriber.takes(Stream.DIGEST):
        return False
    subscriber.digest = True
    note(session, subscriber.id, EventKind.DIGEST_ON, press, now)
    return True


def take_singles(session: Session, subscriber: Subscriber, press: Press, now: datetime) -> bool:
    """Each campaign comes by itself again. What waits by now still comes in a weekly mail. False: they had no such."""
    lock(session, subscriber)
    if not subscriber.digest:
        return False
    subscriber.digest = False
    note(session, subscriber.id, EventKind.DIGEST_OFF, press, now)
    return True
