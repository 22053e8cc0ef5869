"""Signing up: anyone can type anyone's address, so a form only records and asks the mailbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter import guides
from newsletter.guides import Guide
from newsletter.journey.give import LINK_DAYS, House, articles_brought, guide_named, offer
from newsletter.mail import ledger
from newsletter.mail.ledger import Reason
from newsletter.subscribers import (
    EVERY_TOPIC,
    SUPPRESSING,
    Address,
    Allowance,
    Consent,
    FormMail,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    TopicChoice,
    TypedValue,
    address_hash,
    allowance,
    clean_name,
    consent_topics,
    name_topics,
    open_consents,
    register,
)
from newsletter.wordings import wording_id

AGAIN_AFTER = timedelta(seconds=30)
"""An identical sign-up repeated sooner than this is a double click."""


@dataclass(frozen=True, slots=True)
class SignUp:
    """A visitor's checked input, and the wording they agreed to."""

    address: Address
    guide: str | None
    newsletter: bool
    wording: str
    first_name: str = ""
    page: str = ""
    form: str = ""
    ip: str | None = None
    form_id: int | None = None
    fields: Mapping[int, str] = field(default_factory=dict)
    """What was typed into the owner's fields, by field id, as `Field.read` returns it."""
    language: str | None = None
    """The form's language, if it has its own."""
    topics: TopicChoice = EVERY_TOPIC
    """Of the newsletter, if it is asked for."""


class _RolledBack(Exception):
    """Roll back this sign-up."""


def subscribe(session: Session, house: House, sign_up: SignUp, now: datetime) -> None:
    """Record a visitor's sign-up, and queue a confirmation, or the guide for a confirmed reader.

    It reveals nothing about who was known before, not even by timing: for a suppressed address the same work is done
    and rolled back.
    """
    found = Suppression.of_address(session, house.secrets, sign_up.address)
    left = allowance(session, house.secrets, sign_up.address, house.sign_ups_per_domain, now)
    proven, held_back, kept = False, None, True
    read = wording_id(session, sign_up.wording)  # not rolled back: the next call then costs the same
    try:
        with session.begin_nested():
            subscriber = register(session, sign_up.address, now, sign_up.first_name, sign_up.language)
            proven = subscriber.status is Status.CONFIRMED
            held_back = _held_back(left, proven, now)
            double = _is_double_click(session, subscriber, sign_up, now)
            _ask(session, house, subscriber, sign_up, read, left, held_back, now)
            if double or _is_suppressed(subscriber, found, left, now):
                raise _RolledBack
    except _RolledBack:
        kept = False
    session.add(
        FormMail(mailbox_hash=left.mailbox_hash, domain_hash=left.domain_hash, sent=kept and not held_back,
                 proven=proven, at=now if proven else left.domain_free_at)
    )  # fmt: skip


def _held_back(left: Allowance, proven: bool, now: datetime) -> Reason | None:
    if not left.permits(proven=proven):
        return Reason.MAILBOX_LIMIT
    return Reason.DOMAIN_LIMIT if not proven and left.waits_too_long(now) else None


def _is_suppressed(subscriber: Subscriber, found: list[Suppression], left: Allowance, now: datetime) -> bool:
    """Whether nothing may be sent to this address, or not yet."""
    reasons = {one.reason for one in found}
    if subscriber.status is Status.COMPLAINED or reasons & set(SUPPRESSING):
        return True
    bounced = subscriber.status is Status.BOUNCED or SuppressionReason.BOUNCED in reasons
    return bounced and not left.may_ask_bounced(now)


def _is_double_click(session: Session, subscriber: Subscriber, sign_up: SignUp, now: datetime) -> bool:
    """Whether the same input was sent a moment ago. A newly ticked box or a name makes it a new sign-up."""
    look = select(Consent.id, TypedValue.field_id, TypedValue.value).outerjoin(TypedValue).where(
        Consent.subscriber_id == subscriber.id, Consent.guide == sign_up.guide,
        Consent.newsletter == sign_up.newsletter, Consent.first_name == clean_name(sign_up.first_name),
        Consent.given_at > now - AGAIN_AFTER,
    )  # fmt: skip
    before: dict[int, dict[int, str]] = {}
    for id, typed_into, value in session.execute(look):
        before.setdefault(id, {}).update({typed_into: value} if typed_into else {})
    alike = [session.get_one(Consent, id) for id, typed in before.items() if typed == dict(sign_up.fields)]
    asked = sign_up.topics if sign_up.newsletter else None
    return any(consent_topics(session, [one]) == asked for one in alike)


def _ask(session: Session, house: House, subscriber: Subscriber, sign_up: SignUp, read: int,
         left: Allowance, held_back: Reason | None, now: datetime) -> None:  # fmt: skip
    """Record what was asked for, and queue the mail that asks the mailbox."""
    guide = guide_named(session, sign_up.guide)
    consent = Consent(
        subscriber_id=subscriber.id, guide=guide.slug if guide else None, newsletter=sign_up.newsletter,
        wording_id=read, page=sign_up.page[:200], form=sign_up.form[:64],
        form_id=sign_up.form_id, ip=sign_up.ip, first_name=clean_name(sign_up.first_name),
        language=sign_up.language, given_at=now,
    )  # fmt: skip
    session.add(consent)
    session.flush()
    name_topics(session, consent, sign_up.topics)
    session.add_all(TypedValue(consent_id=consent.id, field_id=id, value=typed) for id, typed in sign_up.fields.items())
    if subscriber.status is Status.CONFIRMED and guide is not None:
        about = offer(session, subscriber, consent, guide) | refusal(house, sign_up.address)
        guides.send(session, subscriber, guide, house.guides, now, about, held_back=held_back)
        return
    # A pending person's name is the last one typed: it is not used before the address is proven. For everybody else
    # the same statement runs and changes nothing.
    typed = consent.first_name if subscriber.status is Status.PENDING else ""
    named = update(Subscriber).where(Subscriber.id == subscriber.id)
    session.execute(named.values(first_name=typed or subscriber.first_name))
    context = confirmation(session, house, consent, guide, now) | refusal(house, sign_up.address)
    due_at = max(left.domain_free_at, now)
    ledger.queue(
        session, subscriber, Stream.CONFIRM, f"confirm:{consent.id}", now, context=context, due_at=due_at,
        held_back=held_back,
    )  # fmt: skip


def refusal(house: House, address: Address) -> dict[str, Any]:
    """The context of the "this was not me" link, which still works after the sign-up was deleted."""
    return {"refuse": address_hash(house.secrets[0], address.mailbox)}


def confirmation(session: Session, house: House, consent: Consent, guide: Guide | None,
                 now: datetime) -> dict[str, Any]:  # fmt: skip
    """The confirmation's context: this guide, and the newsletter if any open sign-up ticked it."""
    named = None
    subscriber = consent.subscriber
    if guide is not None:
        named = {
            "title": guide.title,
            "slug": guide.slug,
            "pages": guide.pages(house.guides),
            "accent": guide.mail_accent,
        }
    until = consent.given_at + timedelta(days=LINK_DAYS)  # then the sign-up is deleted, so a reminder promises no more
    asked = open_consents(session, subscriber, now - timedelta(days=LINK_DAYS))
    return {
        "consent": consent.id,
        "until": int(until.timestamp()),
        "days": max(round((until - now) / timedelta(days=1)), 1),
        "guide": named,
        "newsletter": any(one.newsletter for one in asked),
        "articles": articles_brought(session, consent, guide),
    }
