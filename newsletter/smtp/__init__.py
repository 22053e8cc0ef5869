"""SMTP: the one room that speaks it. Hand envelopes to a transport, get an outcome for each."""

from newsletter.smtp.allowance import Allowances, Allowed, OwnAllowances, Report
from newsletter.smtp.envelope import Envelope, Journal, Outcome, Quotas, RelayRefusal, Stage, Transport
from newsletter.smtp.memory import SentList
from newsletter.smtp.pool import SmtpTransport
from newsletter.smtp.relay import Relay, parse_relays, without_login
from newsletter.smtp.timeouts import Timeouts
from newsletter.smtp.troubles import Trouble, trouble_of

__all__ = [
    "Allowances",
    "Allowed",
    "Envelope",
    "Journal",
    "Outcome",
    "OwnAllowances",
    "Quotas",
    "Relay",
    "RelayRefusal",
    "Report",
    "SentList",
    "SmtpTransport",
    "Stage",
    "Timeouts",
    "Transport",
    "Trouble",
    "parse_relays",
    "trouble_of",
    "without_login",
]
