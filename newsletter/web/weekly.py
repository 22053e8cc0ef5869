"""The weekly digest on the preferences page."""

from typing import Any

from sqlalchemy.orm import Session

from newsletter import brand, campaigns
from newsletter.subscribers import Stream, Subscriber
from newsletter.web.state import now
from newsletter.web.wording import SINGLES, SINGLES_BRING, WEEKLY, weekly_brings
from newsletter.zones import zone_named


def frequency(session: Session, subscriber: Subscriber) -> dict[str, Any] | None:
    """Template values for the digest choice and the next digest; None if they do not receive the newsletter."""
    if not subscriber.takes(Stream.DIGEST):
        return None
    coming = campaigns.next_digest(session, subscriber, now())
    digest = subscriber.digest
    brings = SINGLES_BRING if digest else weekly_brings(brand.current(session))
    return {
        "on": digest, "label": SINGLES if digest else WEEKLY, "name": "singles" if digest else "weekly",
        "brings": f"{brings}.", "articles": len(coming.titles) if coming else 0,
        "next": coming and coming.at.astimezone(zone_named(subscriber.zone or brand.current(session).zone)),
    }  # fmt: skip
