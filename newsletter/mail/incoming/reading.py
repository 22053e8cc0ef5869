"""What a mail that came in is: a wish to leave, a bounce, a complaint, an automatic answer, or nothing of ours."""

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
    """What came."""

    LEAVING = "leaving"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"
    """An automatic answer (RFC 3834): nothing is done about it."""
    OTHER = "other"
    """Something else: it may be a letter to the owner."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What in a mail says which message it is about. Only whoever signed it can tell what is true."""

    returned_to: tuple[str, ...] = ()
    """What may be the tag of a return path, in the addresses that it was sent to (VERP)."""
    tags: tuple[str, ...] = ()
    """What may be a message's tag further in: in the Message-ID or the return path of the mail that comes back."""
    tokens: tuple[str, ...] = ()
    """What may be the token of a link to leave, in the mail that comes back."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A mail that came in, as far as we understand it. Nothing in it is proven."""

    kind: Kind
    token: str = ""
    """Of a wish to leave: the token in its subject."""
    claims: Claims = Claims()
    failures: tuple[Failure, ...] = ()
    """Of a bounce: who could not be reached, and why."""
    address: str = ""
    """Of a report that a sending service makes: whom it is about."""


_NOTHING = Incoming(Kind.OTHER)


def read(raw: bytes) -> Incoming:
    """Say what a mail is. Never raises, whatever the octets."""
    try:
        parts = take_apart(raw)
    except Exception:  # noqa: BLE001 - strangers' octets trip the standard library's parser in ways that no list ends
        return _NOTHING
    return understood(parts)


def understood(parts: Parts) -> Incoming:
    """What a mail is, of which these are the parts."""
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
    """Everything in a text that may name a message of ours. `to`: the addresses that it was sent to."""
    return Claims(_found(_TAG, to), _found(_TAG, text), _found(_TOKEN, text))


def _found(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pattern.findall(text)))[:MOST_CLAIMS]
