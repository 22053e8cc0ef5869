"""What comes back about an address, and what that ends. Every suppression of a person goes through here."""

from datetime import datetime

from sqlalchemy.orm import Session

from newsletter import sequences
from newsletter.subscribers import Status, Subscriber

WHY = {
    Status.BOUNCED: "Mail to the address bounced.",
    Status.COMPLAINED: "The person reported our mail as spam.",
}


def suppress(session: Session, subscriber: Subscriber, status: Status, now: datetime) -> None:
    """The address bounced for good, or its owner complained: nothing more is sent, and every series ends with it.

    The subscriber's row must be locked. What is queued otherwise is called off by its claim.
    """
    subscriber.stop_mail(status, now)
    sequences.stop(session, subscriber, now, WHY[status])
