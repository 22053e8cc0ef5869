"""Bounces, complaints, clicks and provider reports, and what each does to a subscriber."""

from newsletter.feedback.bounce import bounced
from newsletter.feedback.click import Hit, clicked
from newsletter.feedback.click_journal import ClickJournal
from newsletter.feedback.complaint import complained
from newsletter.feedback.inbox import Inbox, InboxTrouble
from newsletter.feedback.report import Report
from newsletter.feedback.services import (
    ReportAddress,
    heard_of,
    is_current,
    newest_to,
    renew,
    report_addresses,
    report_token,
)
from newsletter.feedback.suppress import suppress

__all__ = [
    "ClickJournal",
    "Hit",
    "Inbox",
    "InboxTrouble",
    "Report",
    "ReportAddress",
    "bounced",
    "clicked",
    "complained",
    "heard_of",
    "is_current",
    "newest_to",
    "renew",
    "report_addresses",
    "report_token",
    "suppress",
]
