"""Sentences about sending: findings, advice, and limits in plain words."""

from collections.abc import Mapping
from typing import Any

from newsletter.sender_domain import Light, Part, Why
from newsletter.throttle.rules import EVERY_DOMAIN, Rate, Scope
from newsletter.web.language import _, lazy, ngettext
from newsletter.web.owner.display import number

LIGHTS = {
    Light.GOOD: (lazy("good"), "success"), Light.MISSING: (lazy("missing"), "danger"),
    Light.WRONG: (lazy("wrong"), "danger"), Light.UNKNOWN: (lazy("not known"), "secondary"),
}  # fmt: skip
"""(label, colour) of each light."""
PARTS = {
    Part.SPF.value: lazy("SPF: who may send"), Part.DKIM.value: lazy("DKIM: the signature"),
    Part.DMARC.value: lazy("DMARC: what others do without"),
    Part.RETURN_PATH.value: lazy("Return path: where bounces go"), "tls": lazy("TLS: encrypted on its way"),
}  # fmt: skip
_SEVERAL = lazy("There are several records, and receivers go by none of them. Keep one.")
_UNREADABLE = lazy("There is a record that receivers cannot read.")
_EVERYWHERE = {
    Why.UNANSWERED: lazy("DNS gave no answer in time. That says nothing about the record: check again in a while."),
    Why.NOT_ASKED: lazy(
        "It was not looked up: mail of this installation stays on its machine, or CHECK_DOMAINS is off."
    ),
}  # fmt: skip
_WORDS: Mapping[tuple[Part, Why], Any] = {
    (Part.SPF, Why.FOUND): lazy(
        "There is one. Whether it names your relay, DNS cannot tell us: compare it with what your provider asks for."
    ),
    (Part.SPF, Why.FOR_RELAY): lazy("There is one, and it names the service that your relay belongs to."),
    (Part.SPF, Why.NONE): lazy(
        "There is none. Publish this; if your provider names another value, take theirs."
    ),
    (Part.SPF, Why.SEVERAL): _SEVERAL,
    (Part.SPF, Why.UNREADABLE): _UNREADABLE,
    (Part.SPF, Why.OPEN): lazy("It lets every server in the world send in your name. Put this in its place."),
    (Part.SPF, Why.NOT_RELAY): lazy("It does not name the service that your relay belongs to. Put this in its place."),
    (Part.DKIM, Why.FOUND): lazy("The record is there, and belongs to the key that signs your mail."),
    (Part.DKIM, Why.NONE): lazy("Mail is signed, and nobody can check it: publish this record."),
    (Part.DKIM, Why.SEVERAL): _SEVERAL,
    (Part.DKIM, Why.OTHER_KEY): lazy(
        "The record belongs to another key: every signature fails. Put this in its place."
    ),
    (Part.DKIM, Why.NOT_ALIGNED): lazy(
        "The signature’s domain is not that of your sender’s address, so it does not speak for it: see DKIM_DOMAIN."
    ),
    (Part.DKIM, Why.RELAY_SIGNS): lazy(
        "Mail is not signed here. Your relay may do that, under a name that only it knows: its own pages say so. If it "
        "does not, make a key."
    ),
    (Part.DKIM, Why.KEY_UNUSED): lazy(
        "There is a key, and nothing is signed with it yet. Publish this record; when it is seen here, set the "
        "variables below, and start again."
    ),
    (Part.DMARC, Why.FOUND): lazy("There is one, and it asks others to refuse mail that is not yours."),
    (Part.DMARC, Why.WATCHES): lazy(
        "There is one. It asks for reports only; when SPF and DKIM have been good for some weeks, p=quarantine "
        "protects your name."
    ),
    (Part.DMARC, Why.NONE): lazy(
        "There is none; Gmail and Yahoo ask for one from whoever sends to many. Publish this."
    ),
    (Part.DMARC, Why.SEVERAL): _SEVERAL,
    (Part.DMARC, Why.UNREADABLE): _UNREADABLE,
    (Part.RETURN_PATH, Why.FOUND): lazy("There is a server that takes what comes back."),
    (Part.RETURN_PATH, Why.HOST_ITSELF): lazy("No MX, but the host itself has an address, so mail comes back to it."),
    (Part.RETURN_PATH, Why.NONE): lazy(
        "Nothing takes what comes back, and some servers refuse such a sender. Publish this, or set RETURN_PATH to an "
        "address whose mail arrives."
    ),
    (Part.RETURN_PATH, Why.REFUSES): lazy(
        "This domain says that it takes no mail at all. Publish this in its place, or set RETURN_PATH to another "
        "address."
    ),
}  # fmt: skip


def told(part: str, why: str) -> Any:
    """A finding as a sentence; "" if another version stored it."""
    if why not in set(Why) or part not in set(Part):
        return ""
    return _EVERYWHERE.get(Why(why)) or _WORDS.get((Part(part), Why(why)), "")


def tls(found: Mapping[str, Any]) -> tuple[Light, str]:
    """The light for a relay's TLS, from its last test, and its sentence."""
    if not found or found.get("gone"):
        return Light.UNKNOWN, _("It has not been tested yet.")
    if found["is_verified"]:
        return Light.GOOD, _("Encrypted, and the certificate is the relay’s own.")
    if found["is_here"]:
        return Light.GOOD, _("The relay is on this machine: nothing leaves it on the way there.")
    if found["is_encrypted"]:
        return Light.WRONG, _("Encrypted, but nobody looks at the certificate: add ?tls=required in SMTP_URL.")
    if found["trouble"] == "tls":
        return Light.WRONG, _("No safe connection could be made: see its words below.")
    if found["trouble"]:
        return Light.UNKNOWN, _("The test did not come so far: see its words below.")
    return Light.MISSING, _("Mail goes to it in clear text. Use a relay with STARTTLS, or smtps:// in SMTP_URL.")


def limit(scope: Scope, name: str, rate: Rate) -> str:
    """A rule as a sentence."""
    values = {"count": number(rate.count), "span": _span(rate), "name": name}
    if scope is Scope.ALL:
        return _("At most %(count)s mails %(span)s to everybody", **values)
    if scope is Scope.RELAY:
        return _("At most %(count)s mails %(span)s through the relay %(name)s", **values)
    if scope is Scope.WARMUP:
        return _("At most %(count)s mails on day %(name)s", **values)
    if name == EVERY_DOMAIN:
        return _("At most %(count)s mails %(span)s to each domain that has no limit of its own", **values)
    return _("At most %(count)s mails %(span)s to %(name)s", **values)


def _span(rate: Rate) -> str:
    many, unit = rate.span
    if many == 1:
        return {"second": _("a second"), "minute": _("a minute"), "hour": _("an hour"), "day": _("a day")}[unit]
    words = {
        "second": ngettext("in %(num)s second", "in %(num)s seconds", many),
        "minute": ngettext("in %(num)s minute", "in %(num)s minutes", many),
        "hour": ngettext("in %(num)s hour", "in %(num)s hours", many),
        "day": ngettext("in %(num)s day", "in %(num)s days", many),
    }
    return words[unit]
