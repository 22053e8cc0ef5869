"""Recognises incoming mail: a request to unsubscribe, a bounce, a complaint, an automatic reply, or none of these."""

import re
from dataclasses import dataclass
from enum import StrEnum

from newsletter.mail.incoming.bounce import Failure, failures
from newsletter.mail.incoming.parts import Parts, take_apart

_LEAVE = re.compile(r"\s*unsubscribe[ _+]+([\w-]{20,120})\s*", re.IGNORECASE | re.ASCII)
_TAG = re.compile("[0-9a-f]{1,16}-[0-9a-f]{16}", re.IGNORECASE)
_TOKEN = re.compile(r"/unsubscribe/([\w-]{20,120})", re.ASCII)
MOST_CLAIMS = 50
_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list", "complaint"})


class Kind(StrEnum):
    """The kind of an incoming mail or report."""

    LEAVING = "leaving"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"
    """An automatic reply (RFC 3834): ignored."""
    OTHER = "other"
    """Anything else: it may be meant for the owner."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What in a mail may say which message it is about. Unverified: the caller checks our signatures."""

    returned_to: tuple[str, ...] = ()
    """Possible return-path tags (VERP), from the addresses it was sent to."""
    tags: tuple[str, ...] = ()
    """Possible message tags from the body: the Message-ID or return path of the returned mail."""
    tokens: tuple[str, ...] = ()
    """Possible tokens of unsubscribe links in the returned mail."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An incoming mail or report, as understood. Nothing in it is verified."""

    kind: Kind
    token: str = ""
    """For LEAVING: the token in its subject."""
    claims: Claims = Claims()
    failures: tuple[Failure, ...] = ()
    """For a bounce: who could not be reached, and why."""
    address: str = ""
    """For a sending service's report: whom it is about."""


_NOTHING = Incoming(Kind.OTHER)


def read(raw: bytes) -> Incoming:
    """Recognise a mail. Never raises, whatever the octets."""
    try:
        parts = take_apart(raw)
    except Exception:  # noqa: BLE001 - hostile input trips the standard library's parser in countless ways
        return _NOTHING
    return understood(parts)


def understood(parts: Parts) -> Incoming:
    """Recognise a parsed mail."""
    leave = _LEAVE.fullmatch(parts.head.get("subject", ""))
    if leave and not is_automatic(parts):
        return Incoming(Kind.LEAVING, token=leave[1])
    if parts.report or "feedback-report" in parts.head.get("content-type", "").lower():
        if parts.report.get("feedback-type", "abuse").lower() not in _COMPLAINTS:
            return Incoming(Kind.AUTOMATIC)
        return Incoming(Kind.COMPLAINT, claims=_claims(parts))
    if found := failures(parts):
        return Incoming(Kind.BOUNCE, failures=tuple(found), claims=_claims(parts))
    return Incoming(Kind.AUTOMATIC) if is_automatic(parts) else _NOTHING


def is_automatic(parts: Parts) -> bool:
    """Whether no person sent it (RFC 3834 §5): it is marked, or has the null sender (RFC 5321 §4.5.5)."""
    head = parts.head
    submitted = head.get("auto-submitted", "no").partition(";")[0].strip().lower()
    replies = head.keys() & {"x-autoreply", "x-autorespond", "x-autoresponder"}
    by_precedence = head.get("precedence", "").strip().lower() in ("auto_reply", "junk")
    null = head.get("return-path", "-").strip() in ("<>", "")
    return submitted != "no" or bool(replies) or by_precedence or null


_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "to", "x-forwarded-to")


def _claims(parts: Parts) -> Claims:
    return claims_in(parts.text, " ".join(value for name, value in parts.lines if name in _TO))


def claims_in(text: str, to: str = "") -> Claims:
    """Everything in a text that may identify a message of ours. `to`: the addresses it was sent to."""
    return Claims(_found(_TAG, to), _found(_TAG, text), _found(_TOKEN, text))


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pattern.findall(text)))[:MOST_CLAIMS]
