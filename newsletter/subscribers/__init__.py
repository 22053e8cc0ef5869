"""Who receives: Subscriber, what they agreed to (Consent), and who must never be written to (Suppression)."""

from newsletter.subscribers.address import Address, BadAddress, read_address
from newsletter.subscribers.consent import Consent, forget_ips
from newsletter.subscribers.name import clean_name
from newsletter.subscribers.segment import Segment
from newsletter.subscribers.subscriber import Status, Stream, Subscriber, receivable, register
from newsletter.subscribers.suppression import (
    Suppression,
    SuppressionReason,
    address_hash,
    suppressed,
)

__all__ = [
    "Address",
    "BadAddress",
    "Consent",
    "Segment",
    "Status",
    "Stream",
    "Subscriber",
    "Suppression",
    "SuppressionReason",
    "address_hash",
    "clean_name",
    "forget_ips",
    "read_address",
    "receivable",
    "register",
    "suppressed",
]
