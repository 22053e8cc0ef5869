"""Who receives: Subscriber, what they agreed to (Consent), their tags, and who is never written to (Suppression)."""

from newsletter.subscribers.address import Address, BadAddress, read_address
from newsletter.subscribers.consent import Basis, Consent, end_open, forget_ips, forget_open, open_consents
from newsletter.subscribers.form_mail import Allowance, FormMail, allowance
from newsletter.subscribers.name import clean_name
from newsletter.subscribers.segment import Mailing, Segment
from newsletter.subscribers.subscriber import Status, Stream, Subscriber, receivable, register
from newsletter.subscribers.suppression import (
    BARRING,
    Suppression,
    SuppressionReason,
    address_hash,
    address_hashes,
    suppressed,
)
from newsletter.subscribers.tag import (
    LONGEST_TAG,
    MOST_TAGS,
    SubscriberTag,
    Tag,
    all_tags,
    clean_tag,
    retag,
    tag_all,
    tag_ids,
    tags_of,
    untag_all,
    with_tag,
)

__all__ = [
    "BARRING",
    "LONGEST_TAG",
    "MOST_TAGS",
    "Address",
    "Allowance",
    "BadAddress",
    "Basis",
    "Consent",
    "FormMail",
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
    "address_hashes",
    "all_tags",
    "allowance",
    "clean_name",
    "clean_tag",
    "end_open",
    "forget_ips",
    "forget_open",
    "open_consents",
    "read_address",
    "receivable",
    "register",
    "retag",
    "suppressed",
    "tag_all",
    "tag_ids",
    "tags_of",
    "untag_all",
    "with_tag",
]
