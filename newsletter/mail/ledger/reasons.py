"""Reasons: why a message was not sent, or is in its state, where we decided so and not a server."""

from enum import StrEnum


class Reason(StrEnum):
    """A code that rules compare; `mail.sentences` says it in words."""

    LOST = "lost"
    """The worker stopped while sending it: the server may have it."""
    LOST_UNWANTED = "lost-unwanted"
    """The same, but it is no longer wanted: no journal requeues it."""
    UNBUILDABLE = "unbuildable"
    """A file could not be read; `reply` has the error."""
    UNFIT = "unfit"
    """The owner's text cannot be rendered; `reply` says why."""
    NOT_ELIGIBLE = "not-eligible"
    CAMPAIGN_CANCELLED = "campaign-ended"
    SERIES_OFF = "series-off"
    SERIES_STOPPED = "series-stopped"
    STOPPED_BY_OWNER = "stopped-by-owner"
    SERIES_NOT_ELIGIBLE = "series-ended"
    LET_BE = "let-be"
    """The owner chose not to send it after a restore."""
    CONFIRMED = "confirmed"
    LEFT = "left"
    NEWSLETTER_LEFT = "newsletter-left"
    TOPIC_LEFT = "topic-left"
    PAUSED = "paused"
    """By the reader."""
    DIGEST = "digest"
    """The reader takes one mail a week, and it goes into that (`digest`)."""
    REFUSED = "refused"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    MAILBOX_LIMIT = "mailbox-limit"
    """Forms have sent this mailbox as many mails as they may."""
    DOMAIN_LIMIT = "domain-limit"
    NOTHING_OPEN = "nothing-open"
    SUPPRESSED = "suppressed"


# SQLite rebuilds the whole list for each row it checks. Nearly every row of a campaign has no reason, and with that
# test first it is written in half the time.
REASON_CHECK = f"reason IS NULL OR reason IN ({', '.join(repr(str(one)) for one in Reason)})"
