"""SMTP: the one room that speaks it. Hand envelopes to a transport, get an outcome for each."""

from newsletter.mail.transport.envelope import Envelope, Journal, Outcome, Quotas, Stage, Transport
from newsletter.mail.transport.memory import SentList
from newsletter.mail.transport.pool import SmtpTransport
from newsletter.mail.transport.relay import Relay, parse_relays, without_login
from newsletter.mail.transport.timeouts import Timeouts

__all__ = [
    "Envelope",
    "Journal",
    "Outcome",
    "Quotas",
    "Relay",
    "SentList",
    "SmtpTransport",
    "Stage",
    "Timeouts",
    "Transport",
    "parse_relays",
    "without_login",
]
