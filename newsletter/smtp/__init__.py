"""The SMTP client, the only one in the product: hand envelopes to a transport, get one result for each."""

from newsletter.smtp.allowance import Allowances, Allowed, OwnAllowances, Report
from newsletter.smtp.envelope import Envelope, Journal, Quotas, RelayRefusal, SmtpResult, Stage, Transport
from newsletter.smtp.memory import SentList
from newsletter.smtp.pool import SmtpTransport
from newsletter.smtp.probe import Probe, Who, probe
from newsletter.smtp.relay import Relay, parse_relays, without_login
from newsletter.smtp.timeouts import Timeouts
from newsletter.smtp.troubles import Trouble, trouble_of

__all__ = [
    "Allowances",
    "Allowed",
    "Envelope",
    "Journal",
    "OwnAllowances",
    "Probe",
    "Quotas",
    "Relay",
    "RelayRefusal",
    "Report",
    "SentList",
    "SmtpResult",
    "SmtpTransport",
    "Stage",
    "Timeouts",
    "Transport",
    "Trouble",
    "Who",
    "parse_relays",
    "probe",
    "trouble_of",
    "without_login",
]
