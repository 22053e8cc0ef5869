"""Incoming bounces, complaints and requests to unsubscribe, by mail (`read`) or from a sending service (`reports`)."""

from newsletter.mail.incoming.bounce import Failure
from newsletter.mail.incoming.parts import LARGEST
from newsletter.mail.incoming.reading import Claims, Incoming, Kind, read
from newsletter.mail.incoming.services import Service, Unreadable, asks_to_confirm, reports

__all__ = [
    "LARGEST", "Claims", "Failure", "Incoming", "Kind", "Service", "Unreadable", "asks_to_confirm", "read", "reports",
]  # fmt: skip
