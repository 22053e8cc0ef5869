"""Who receives: Subscriber, what they agreed to (Consent), their tags, and who is never written to (Suppression)."""

from newsletter.subscribers.address import Address, BadAddress, read_address
from newsletter.subscribers.consent import Consent, forget_ips
from newsletter.subscribers.name import clean_name
from newsletter.subscribers.segment import Mailing, Segment
from newsletter.subscribers.subscriber import Status, Stream, Subscriber, receivable, register
from newsletter.subscribers.suppression import (
    Suppression,
    SuppressionReason,
    address_hash,
    suppressed,
)
from newsletter.subscribers.tag import SubscriberTag, Tag, clean_tag, tag_ids, tags_of

__all__ = [
    "Address",
    "BadAddress",
    "Consent",
    "Mailing",
    "Segment",
    "Status",
    "Stream",
    "Subscriber",
    "SubscriberTag",
    "Suppression",
    "SuppressionReason",
    "Tag",
    "address_hash",
    "clean_name",
    "clean_tag",
    "forget_ips",
    "read_address",
    "receivable",
    "register",
    "suppressed",
    "tag_ids",
    "tags_of",
]
