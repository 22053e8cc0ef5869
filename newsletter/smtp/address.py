"""Builds the MAIL and RCPT lines of one envelope, or refuses it before a server is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

import idna

from newsletter.smtp.envelope import Envelope
from newsletter.smtp.features import Features

PATH_LIMIT = 900
"""Octets; keeps a command line under 1,000. Servers enforce their own, shorter limits."""

_PATH = r"[!-;=?A-~]+@[0-9A-Za-z:.\[\]_-]+"
_plain = re.compile(_PATH).fullmatch
_both_plain = re.compile(rf"(?:{_PATH})?\n{_PATH}").fullmatch


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal of our own, in the form of a server's reply."""

    code: int
    enhanced: str
    text: str


class _BadAddress(ValueError):
    """The address cannot be written into a command."""


def commands(envelope: Envelope, features: Features) -> bytes | Refusal:
    """The MAIL and RCPT lines, each with CRLF, or a Refusal if this server cannot take the envelope."""
    sender, recipient = envelope.sender, envelope.recipient
    international = False
    if not (_both_plain(f"{sender}\n{recipient}") and len(sender) + len(recipient) <= PATH_LIMIT):
        try:
            sender = sender and _path(sender)
            recipient = _path(recipient)
        except _BadAddress as error:
            return Refusal(553, "5.1.3", f"5.1.3 {error}")
        international = not (sender.isascii() and recipient.isascii())
    size = len(envelope.data)
    parameters = f" SIZE={size}" if features.size >= 0 else ""
    if not (envelope.data.isascii() if envelope.seven_bit is None else envelope.seven_bit):
        if not features.eight_bit:
            return Refusal(554, "5.6.3", "5.6.3 message has 8-bit content and the server does not offer 8BITMIME")
        parameters += " BODY=8BITMIME"
    if 0 < features.size < size:
        return Refusal(552, "5.3.4", f"5.3.4 message has {size} octets, the server takes {features.size}")
    if international:
        if not features.smtputf8:
            return Refusal(553, "5.6.7", "5.6.7 non-ASCII local part and the server does not offer SMTPUTF8")
        parameters += " SMTPUTF8"
    return f"MAIL FROM:<{sender}>{parameters}\r\nRCPT TO:<{recipient}>\r\n".encode()


def _path(address: str) -> str:
    """The address as written between < and >, an international domain as an A-label (RFC 6531 §3.2)."""
    if _plain(address):
        path = address
    else:
        local, _, domain = address.rpartition("@")
        if not local or not domain or not address.isprintable() or any(sign in address for sign in "<> "):
            raise _BadAddress("not an address that SMTP can carry")
        path = f"{local}@{_a_label(domain)}"
        if not path.isprintable() or (local.isascii() and not _plain(path)):
            raise _BadAddress("not an address that SMTP can carry")
    if len(path.encode()) > PATH_LIMIT:
        raise _BadAddress("address too long")
    return path


def _a_label(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise _BadAddress("the domain is not a valid internationalised name") from None
