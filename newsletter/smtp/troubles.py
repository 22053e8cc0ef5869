"""Recognises refusals that are about the relay: the one table of what servers and mail services say at their limits.

Such a reply says nothing about the message or its recipient. The relay is left alone for a while; the message goes to
another one or stays queued, and no attempt is counted.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache


class Trouble(StrEnum):
    """What keeps a relay from taking any mail just now."""

    RATE = "rate"
    """Too much in too short a time."""
    CONNECTIONS = "connections"
    """Too many connections at once."""
    BUSY = "busy"
    """Not now, whoever the recipient is."""
    STORAGE = "storage"
    """Its disk is full (RFC 3463: X.3.1)."""
    QUOTA = "quota"
    """The account has sent all it may in an hour, a day or a month."""
    SENDER = "sender"
    """The account may not send as our sender."""
    LOGIN = "login"
    ACCOUNT = "account"
    """The account is suspended, locked or not activated."""
    REFUSED = "refused"
    """It refuses us for good before any recipient was named."""
    TLS = "tls"
    UNREACHABLE = "unreachable"

    @property
    def passes(self) -> bool:
        """Whether it ends by itself, usually within seconds."""
        return self in (Trouble.RATE, Trouble.CONNECTIONS, Trouble.BUSY, Trouble.STORAGE)

    @property
    def needs_owner(self) -> bool:
        """Whether a person must act."""
        return self in (Trouble.SENDER, Trouble.LOGIN, Trouble.ACCOUNT, Trouble.REFUSED, Trouble.TLS)


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# The first row that fits counts. `tests/smtp/test_troubles.py` holds the replies these were made from.
_TABLE: tuple[tuple[Trouble, re.Pattern[str]], ...] = (
    (
        Trouble.ACCOUNT,
        _words(
            r"account (?:is |has been |was )?(?:temporarily )?(?:suspended|disabled|locked|blocked)",
            r"account (?:is |has been |was )?(?:terminated|deactivated)",
            r"account is (?:not yet|not) activ", r"account (?:is )?pending approval", r"not yet activated",
            r"sending (?:has been |is |was )?(?:suspended|paused|disabled)", r"sending paused",
            r"address locked or deactivated", r"unusual sending activity", r"bad outbound sender",
            r"sender address blocked", r"unauthori[sz]ed ip address", r"continuous invalid license",
            r"has been blocked from sending", r"blocked for sending spam",
        ),
    ),
    (
        Trouble.CONNECTIONS,
        _words(r"concurrent connections? limit", r"sender thread limit",
               r"too many (?:concurrent )?(?:smtp )?connections"),
    ),
    (
        Trouble.RATE,
        _words(
            r"maximum sending rate exceeded", r"peak smtp relay limit", r"too much mail from",
            r"too many (?:messages|mails|recipients|e-?mails) from", r"message rate limit",
            r"sending (?:rate|too fast)", r"messages? too quickly from", r"recipient rate limit",
            r"sender rate exceeds",
        ),
    ),
    (
        Trouble.QUOTA,
        _words(
            r"(?:daily|hourly|monthly)[a-z -]* (?:limit|quota)[a-z ]* (?:exceeded|reached)",
            r"(?:exceeded|reached)[a-z ']* (?:daily|hourly|monthly|sending)[a-z -]* (?:limit|quota|credits)",
            r"(?:sending|submission|message) (?:limit|quota)[a-z ]* (?:exceeded|reached)",
            r"maximum credits exceeded", r"(?:out of|insufficient|no more|not enough)[a-z ]* credits?",
            r"credits? (?:expired|blocked|exhausted)", r"messages per (?:hour|day) exceeded",
        ),
    ),
    (
        Trouble.SENDER,
        _words(
            r"not owned by", r"sender address rejected", r"address is not verified", r"verified sender identity",
            r"not authori[sz]ed to send (?:from|as|on behalf)", r"not authori[sz]ed to send mail from",
            r"sender signature", r"sendasdenied", r"send as denied", r"not allowed to send (?:as|from|on behalf)",
            r"domain [^;]{0,120}not allowed to send", r"sender is not allowed to relay",
            r"relaying disallowed as", r"the sender you used .{0,120} is not valid", r"sender not (?:valid|verified)",
            r"from address[a-z ]* not (?:valid|verified|allowed)", r"not permitted to send (?:as|from)",
        ),
    ),
)  # fmt: skip
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_SIZE_OR_CONTENT = re.compile(r"5\.3\.4|5\.2\.3|5\.5\.[0-9]+|5\.6\.[0-9]+")
"""Refusals of MAIL that are about this one message: its size, its parameters, its content."""
_OPENING = frozenset({"connect", "banner", "EHLO", "STARTTLS", "TLS", "AUTH"})


@lru_cache(maxsize=1024)
def trouble_of(code: int, enhanced: str, text: str, step: str) -> Trouble | None:
    """What is wrong with a relay that gave this reply; None: the reply is about the message.

    `step` is the command, as in `SmtpResult.at_command`.
    """
    if step in _OPENING:
        return _at_the_opening(code, text, step)
    if code < 400:
        return None
    if (code in _LOGIN_CODES and step not in (".", "BDAT")) or (step == "MAIL" and enhanced == "5.7.8"):
        return Trouble.LOGIN
    if trouble := trouble_named(text):
        return trouble
    if code == 432:
        return Trouble.CONNECTIONS
    if enhanced == "4.3.1" or (code == 452 and not enhanced and step != "RCPT"):
        return Trouble.STORAGE
    if enhanced[2:] in ("1.7", "1.8"):
        return Trouble.SENDER
    return _before_any_recipient(code, enhanced) if step == "MAIL" else None


def trouble_named(text: str) -> Trouble | None:
    """The trouble that a reply's words name, if any."""
    return next((trouble for trouble, words in _TABLE if words.search(text)), None)


def _at_the_opening(code: int, text: str, step: str) -> Trouble:
    if step in ("STARTTLS", "TLS"):
        return Trouble.TLS
    if code == 0:
        return Trouble.LOGIN if step == "AUTH" else Trouble.UNREACHABLE
    if trouble := trouble_named(text):
        return trouble
    if step == "AUTH":
        return Trouble.BUSY if code == 421 else Trouble.LOGIN
    return Trouble.BUSY if code < 500 else Trouble.REFUSED


def _before_any_recipient(code: int, enhanced: str) -> Trouble | None:
    """Classify a refused MAIL: with no recipient yet it is about us, unless about the message's size or content."""
    if code < 500:
        return Trouble.RATE if enhanced.startswith("4.7.") else Trouble.BUSY
    if code in (552, 555) or _SIZE_OR_CONTENT.fullmatch(enhanced):
        return None
    return Trouble.SENDER if code == 553 else Trouble.REFUSED
