"""SMTP: the one room that speaks it. Hand envelopes to a transport, get an outcome for each."""

from newsletter.mail.transport.allowance import Allowances, Allowed, OwnAllowances, Report
from newsletter.mail.transport.envelope import Envelope, Journal, Outcome, Quotas, RelayRefusal, Stage, Transport
from newsletter.mail.transport.memory import SentList
from newsletter.mail.transport.pool import SmtpTransport
from newsletter.mail.transport.relay import Relay, parse_relays, without_login
from newsletter.mail.transport.timeouts import Timeouts
from newsletter.mail.transport.troubles import Trouble, trouble_of

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
