"""Reads the bounces and complaints that sending services report over HTTP, each in its own JSON.

Of the service's verdict and that of the server's own words (`meaning`), the milder one counts: services call much a
hard bounce that concerns the mail or its sender.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from newsletter import characters
from newsletter.mail.incoming.bounce import Failure
from newsletter.mail.incoming.meaning import meaning
from newsletter.mail.incoming.reading import Incoming, Kind, claims_in
from newsletter.mail.replies import BounceClass

MOST_REPORTS = 2000
"""Reports read from one request; services send a thousand at most."""
Json = Mapping[str, Any]
_NOTHING: Json = MappingProxyType({})


class Service(StrEnum):
    """A sending service whose reports we can read."""

    BREVO = "brevo"
    MAILGUN = "mailgun"
    MAILJET = "mailjet"
    POSTMARK = "postmark"
    SENDGRID = "sendgrid"
    SES = "ses"

    @property
    def label(self) -> str:
        """The service's name."""
        return _NAMES[self]


_NAMES = {
    Service.BREVO: "Brevo", Service.MAILGUN: "Mailgun", Service.MAILJET: "Mailjet", Service.POSTMARK: "Postmark",
    Service.SENDGRID: "SendGrid", Service.SES: "Amazon SES",
}  # fmt: skip


class Unreadable(ValueError):
    """The body is not JSON of the shape this service sends."""


def reports(service: Service, body: bytes) -> list[Incoming]:
    """The bounces and complaints in the body of one request, ignoring other events. Raises Unreadable."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable from None
    events = sent if isinstance(sent, list) else [sent]
    if not all(isinstance(one, dict) for one in events):
        raise Unreadable
    return [report for event in events[:MOST_REPORTS] for report in _READERS[service](event)]


def asks_to_confirm(body: bytes) -> str:
    """The URL at which Amazon SNS wants its subscription confirmed; "" if it does not ask.

    Never fetched automatically: anyone with the secret report address could make us request any URL.
    """
    sent = json.loads(body)
    asks = isinstance(sent, dict) and sent.get("Type") == "SubscriptionConfirmation"
    return _text(sent, "SubscribeURL") if asks else ""


def _brevo(event: Json) -> Iterator[Incoming]:
    happened, who = _text(event, "event"), _text(event, "email")
    if happened == "spam":
        yield _complaint(event, who)
    elif happened in ("hard_bounce", "invalid_email", "soft_bounce", "blocked"):
        yield _bounce(event, who, _text(event, "reason"), hard=happened in ("hard_bounce", "invalid_email"))


def _mailgun(sent: Json) -> Iterator[Incoming]:
    event = _part(sent, "event-data")
    happened, who = _text(event, "event"), _text(event, "recipient")
    if happened == "complained":
        yield _complaint(event, who)
    elif happened == "failed" and _text(event, "severity") == "permanent":
        status = _part(event, "delivery-status")
        words = _text(status, "message") or _text(status, "description")
        dead = _text(event, "reason") in ("bounce", "suppress-bounce")
        yield _bounce(event, who, words, hard=dead, code=_number(status, "code"), status=_text(status, "enhanced-code"))


def _mailjet(event: Json) -> Iterator[Incoming]:
    happened, who = _text(event, "event"), _text(event, "email")
    if happened == "spam":
        yield _complaint(event, who)
    elif happened in ("bounce", "blocked"):
        words = ": ".join(filter(None, (_text(event, "error"), _text(event, "comment"))))
        yield _bounce(event, who, words, hard=event.get("hard_bounce") is True)


def _postmark(event: Json) -> Iterator[Incoming]:
    record, kind, who = _text(event, "RecordType"), _text(event, "Type"), _text(event, "Email")
    if record == "SpamComplaint" or kind == "SpamComplaint":
        yield _complaint(event, who)
    elif record == "Bounce" and kind not in _POSTMARK_TELLS:
        words = _text(event, "Details") or _text(event, "Description")
        yield _bounce(event, who, words, hard=kind in ("HardBounce", "BadEmailAddress"))


_POSTMARK_TELLS = frozenset({
    "Transient", "Unsubscribe", "Subscribe", "AutoResponder", "AddressChange", "OpenRelayTest", "ChallengeVerification",
})  # fmt: skip
"""What Postmark calls a bounce but is a reply, a delay or the like."""


def _sendgrid(event: Json) -> Iterator[Incoming]:
    happened, who, reason = _text(event, "event"), _text(event, "email"), _text(event, "reason")
    if happened == "spamreport" or (happened == "dropped" and reason == "Spam Reporting Address"):
        yield _complaint(event, who)
    elif happened == "bounce" or (happened == "dropped" and reason in ("Bounced Address", "Invalid")):
        hard = happened == "dropped" or _text(event, "type") != "blocked"
        yield _bounce(event, who, reason, hard=hard, status=_text(event, "status"))


def _ses(sent: Json) -> Iterator[Incoming]:
    event = _unwrapped(sent)
    happened = _text(event, "notificationType") or _text(event, "eventType")
    bounce, complaint = _part(event, "bounce"), _part(event, "complaint")
    if happened == "Bounce" and _text(bounce, "bounceType") != "Undetermined":
        for one in _parts(bounce, "bouncedRecipients"):
            words = _text(one, "diagnosticCode").partition(";")[2].strip() or _text(one, "diagnosticCode")
            hard, status = _text(bounce, "bounceType") == "Permanent", _text(one, "status")
            yield _bounce(event, _text(one, "emailAddress"), words, hard=hard, status=status)
    elif happened == "Complaint" and _text(complaint, "complaintFeedbackType") != "not-spam":
        for one in _parts(complaint, "complainedRecipients"):
            yield _complaint(event, _text(one, "emailAddress"))


def _unwrapped(sent: Json) -> Json:
    """The event inside Amazon SNS's envelope, if there is one: raw delivery leaves it out."""
    if _text(sent, "Type") != "Notification":
        return sent
    try:
        inner = json.loads(_text(sent, "Message"))
    except (ValueError, RecursionError):
        return _NOTHING  # a test sent by hand
    return inner if isinstance(inner, dict) else _NOTHING


_READERS: Mapping[Service, Callable[[Json], Iterator[Incoming]]] = {
    Service.BREVO: _brevo,
    Service.MAILGUN: _mailgun,
    Service.MAILJET: _mailjet,
    Service.POSTMARK: _postmark,
    Service.SENDGRID: _sendgrid,
    Service.SES: _ses,
}


def _complaint(event: Json, who: str) -> Incoming:
    return Incoming(Kind.COMPLAINT, claims=claims_in(json.dumps(event)), address=who.strip().lower())


def _bounce(event: Json, who: str, words: str, *, hard: bool, code: int = 0, status: str = "") -> Incoming:
    who = who.strip().lower()
    said = meaning(status, words)
    thought = BounceClass.HARD_BOUNCE if hard else BounceClass.NONE
    # Uninformative words do not soften a hard bounce; a full mailbox is a soft one whatever the service calls it.
    bounce = thought if said is BounceClass.NONE else said
    if not hard and said is BounceClass.HARD_BOUNCE:
        bounce = BounceClass.NONE
    failure = Failure(address=who, bounce=bounce, status=status[:12], code=code, words=words[:500])
    return Incoming(Kind.BOUNCE, claims=claims_in(json.dumps(event)), failures=(failure,), address=who)


def _text(of: Json, name: str) -> str:
    """A text field without what no database takes: NUL, and lone surrogates."""
    value = of.get(name)
    return characters.text(value) if isinstance(value, str) else ""


def _number(of: Json, name: str) -> int:
    value = of.get(name)
    return value if isinstance(value, int) and 400 <= value < 600 else 0


def _part(of: Json, name: str) -> Json:
    value = of.get(name)
    return value if isinstance(value, dict) else _NOTHING


def _parts(of: Json, name: str) -> Sequence[Json]:
    value = of.get(name)
    return [one for one in value[:50] if isinstance(one, dict)] if isinstance(value, list) else []
