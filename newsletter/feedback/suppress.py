"""Ends all mail to a subscriber after a hard bounce or complaint; the only place that does."""

from datetime import datetime

from sqlalchemy.orm import Session

from newsletter import sequences
from newsletter.events import By, EventKind, Press, note
from newsletter.mail.ledger import Reason, digest
from newsletter.subscribers import Status, Subscriber, end_changes, end_open

WHY = {Status.BOUNCED: Reason.BOUNCED, Status.COMPLAINED: Reason.COMPLAINED}
KINDS = {Status.BOUNCED: EventKind.BOUNCED, Status.COMPLAINED: EventKind.COMPLAINED}
BY_SERVER = Press(By.SERVER)


def suppress(session: Session, subscriber: Subscriber, status: Status, now: datetime, press: Press = BY_SERVER) -> None:
    """Set BOUNCED or COMPLAINED; ends their series and invalidates pending confirmations and address changes.

    The subscriber's row must be locked. Other queued messages are cancelled when they are claimed.
    """
    note(
        session, subscriber.id, KINDS[status], press, now, before=subscriber.status,
        newsletter_before=subscriber.newsletter,
    )  # fmt: skip
    subscriber.stop_mail(status, now)
    end_open(session, subscriber.id, now)
    end_changes(session, subscriber.id, now)
    sequences.stop(session, subscriber, now, WHY[status])
    digest.call_off(session, subscriber.id, WHY[status])
