"""Preflight checks from the stored results for the sender's domain. Looks nothing up."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.brand import Brand
from newsletter.languages import marked, said
from newsletter.preflight import Check, Level, Mend
from newsletter.sender_domain import Light, Part, Why
from newsletter.sending.record import LookKind, SendingLook

NAMES = {Part.SPF: "SPF", Part.DKIM: "DKIM", Part.DMARC: "DMARC", Part.RETURN_PATH: marked("Return path")}
_BAD = (Light.MISSING, Light.WRONG)
_NONE_OF_THEM = marked("%(name)s has several such records, and receivers go by none of them.")
_WORDS: dict[tuple[Part, Why], str] = {
    (Part.SPF, Why.NONE): marked(
        "Your domain %(name)s has no SPF record: nobody can tell which servers may send in your name."
    ),
    (Part.SPF, Why.OPEN): marked("The SPF record of %(name)s lets every server in the world send in your name."),
    (Part.SPF, Why.NOT_RELAY): marked(
        "The SPF record of %(name)s does not name the service that your relay belongs to: what it sends for you may "
        "be taken for forged."
    ),
    (Part.DKIM, Why.NONE): marked("Your mail is signed, and nobody can check it: there is no DKIM record at %(name)s."),
    (Part.DKIM, Why.OTHER_KEY): marked(
        "The DKIM record at %(name)s belongs to another key: every signature of your mail fails."
    ),
    (Part.DKIM, Why.NOT_ALIGNED): marked("Your mail is signed for another domain than that of your sender’s address."),
    (Part.DKIM, Why.KEY_UNUSED): marked("A DKIM key was made for %(name)s, and nothing is signed with it yet."),
    (Part.DMARC, Why.NONE): marked(
        "Your domain %(name)s has no DMARC record: Gmail and Yahoo ask for one from whoever sends to many."
    ),
    (Part.RETURN_PATH, Why.NONE): marked(
        "Nothing takes what comes back to %(name)s, so bounces are lost, and some servers refuse such a sender."
    ),
    (Part.RETURN_PATH, Why.REFUSES): marked("The domain %(name)s, to which bounces go, says that it takes no mail."),
}
_UNREADABLE = marked("%(name)s has a record that receivers cannot read.")


def sender_checks(session: Session, brand: Brand) -> Iterator[Check]:
    """One check per fault in the domain's records, and one if they are in order or not fully known."""
    row = session.scalars(select(SendingLook).filter_by(kind=LookKind.DOMAIN, name="")).one_or_none()
    findings = row.found.get("findings", []) if row and row.found.get("address") == brand.email else []
    bad = [one for one in findings if one["light"] in set(_BAD) and one["part"] in set(Part) and one["why"] in set(Why)]
    for one in bad:
        yield Check(said(NAMES[Part(one["part"])]), Level.WARNING, _told(one), mend=Mend.SENDER)
    domain = brand.email.rpartition("@")[2]
    if not findings:
        told = said("The records of %(domain)s have not been looked up yet. A worker does that within a minute.",
                    domain=domain)  # fmt: skip
        yield Check(said("Your domain"), Level.TOLD, told, mend=Mend.SENDER)
    elif unanswered := [one["part"] for one in findings if one["why"] == Why.UNANSWERED]:
        parts = ", ".join(dict.fromkeys(str(NAMES[Part(one)]) for one in unanswered))
        told = said("Not all records of %(domain)s could be looked up (%(parts)s): that says nothing about them, and "
                    "is tried again by itself.", domain=domain, parts=parts)  # fmt: skip
        yield Check(said("Your domain"), Level.TOLD, told, mend=Mend.SENDER)
    elif not bad:
        told = said("The records of %(domain)s by which others know your mail are in order.", domain=domain)
        yield Check(said("Your domain"), Level.GOOD, told, mend=Mend.SENDER)


def _told(found: dict[str, Any]) -> str:
    part, why = Part(found["part"]), Why(found["why"])
    words = _WORDS.get((part, why)) or (_NONE_OF_THEM if why is Why.SEVERAL else _UNREADABLE)
    name = found["name"].removeprefix("_dmarc.") if why is Why.NONE and part is Part.DMARC else found["name"]
    return said(words, name=name)
