"""Reasons: why a message was not sent, or is in its state, where that is our own doing and no server's reply."""

from enum import StrEnum


class Reason(StrEnum):
    """A code that rules compare; `mail.sentences` says it in words."""

    LOST = "lost"
    """The worker stopped while sending it: the server may have it."""
    LOST_UNWANTED = "lost-unwanted"
    """The same, but it is not wanted any more: no journal requeues it."""
    UNBUILDABLE = "unbuildable"
    """A file could not be read; `reply` has the error."""
    UNFIT = "unfit"
    """The owner's text cannot be put together; `reply` says why."""
    NOT_ELIGIBLE = "not-eligible"
    CAMPAIGN_CANCELLED = "campaign-ended"
    SERIES_OFF = "series-off"
    SERIES_STOPPED = "series-stopped"
    STOPPED_BY_OWNER = "stopped-by-owner"
    SERIES_NOT_ELIGIBLE = "series-ended"
    LET_BE = "let-be"
    """The owner let it be after a restore."""
    CONFIRMED = "confirmed"
    LEFT = "left"
    NEWSLETTER_LEFT = "newsletter-left"
    TOPIC_LEFT = "topic-left"
    PAUSED = "paused"
    """By the reader."""
    DIGEST = "digest"
    """The reader takes one mail a week: it stands in that (`digest`)."""
    REFUSED = "refused"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    MAILBOX_LIMIT = "mailbox-limit"
    """Forms have caused as many mails to this mailbox as they may."""
    DOMAIN_LIMIT = "domain-limit"
    NOTHING_OPEN = "nothing-open"
    SUPPRESSED = "suppressed"


# SQLite builds the whole list anew for each row that it checks. Nearly every row of a campaign has no reason, and is
# written in half the time where that comes first.
REASON_CHECK = f"reason IS NULL OR reason IN ({', '.join(repr(str(one)) for one in Reason)})"
