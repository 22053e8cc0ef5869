"""The visitor's story across nouns: subscribe, confirm, ask for a guide, choose, leave. One function for each chapter.

Every function works in the caller's transaction: all of a chapter happens, or nothing of it.
"""

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from newsletter import accounts, brand, guides, sequences
from newsletter.db import lock
from newsletter.guides import Guide
from newsletter.mail import outbox
from newsletter.mail.outbox import Message
from newsletter.sequences import Sequence
from newsletter.subscribers import (
    Address,
    Consent,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    address_hash,
    register,
)

WORDING_VERSION = "2026-11"
LINK_DAYS = 30
"""How long a confirmation link works; unconfirmed sign-ups are deleted after as many days."""
REMIND_AFTER = timedelta(days=3)
AGAIN_AFTER = timedelta(seconds=30)
"""A sign-up repeated sooner than this is a double click."""
MOST_CONFIRMATIONS_A_DAY = 6
"""No more confirmations than this go to one address in a day, whoever types it into the form (list bombing)."""
LEFT = "The person unsubscribed."


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a visitor sent, checked, and under which words they agreed."""

    address: Address
    guide: str | None
    newsletter: bool
    wording: str
    first_name: str = ""
    page: str = ""
    form: str = ""
    ip: str | None = None


class House(Protocol):
    """What the story needs to know of the installation; Runtime is one."""

    @property
    def guides(self) -> Path:
        """The folder with the guides' PDFs."""

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """The product's key, and behind it those of earlier times."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What pressing the button did. `fresh` is False for the second press, and the second browser."""

    subscriber: Subscriber
    guide: Guide | None
    newsletter: bool
    fresh: bool


def subscribe(session: Session, house: House, sign_up: SignUp, now: datetime) -> None:
    """A visitor sent the form: note the consent, and mail a confirmation, or the guide to somebody confirmed.

    Says nothing about who was known before: the caller answers everybody alike.
    """
    guide = _guide(session, sign_up.guide)
    subscriber = register(session, sign_up.address, now, sign_up.first_name)
    lock(session, subscriber)  # two clicks on the button queue up here
    if subscriber.status in (Status.BOUNCED, Status.COMPLAINED) or _barred(session, house, sign_up.address):
        return
    if guide is not None and _just_asked(session, subscriber, guide, now):
        return
    consent = Consent(
        subscriber_id=subscriber.id, guide=guide.slug if guide else None, newsletter=sign_up.newsletter,
        wording=sign_up.wording[:1000], version=WORDING_VERSION, page=sign_up.page[:200], form=sign_up.form[:64],
        ip=sign_up.ip, given_at=now,
    )  # fmt: skip
    session.add(consent)
    session.flush()
    known = subscriber.status is Status.CONFIRMED
    if known and guide is not None:
        _give(session, house, subscriber, guide, now)
    # What somebody else may have typed must not subscribe a person to the newsletter: that asks its own button.
    if not known or (sign_up.newsletter and not subscriber.newsletter):
        if known:
            guide = None
        _ask_to_confirm(session, house, subscriber, consent, guide, now)
    else:
        consent.confirm(now)


def confirm(session: Session, house: House, consent_id: int, now: datetime) -> Confirmed | None:
    """Somebody pressed the button in the confirmation. None: the sign-up is gone (deleted after its time).

    Two browsers at once: one UPDATE wins, the other finds it done and is shown the same page.
    """
    first = session.execute(
        update(Consent).where(Consent.id == consent_id, Consent.confirmed_at.is_(None)).values(confirmed_at=now)
    )
    consent = session.get(Consent, consent_id, populate_existing=True)
    if consent is None:
        return None
    subscriber, guide = consent.subscriber, _guide(session, consent.guide)
    fresh = bool(first.rowcount)  # type: ignore[attr-defined]
    if fresh:
        lock(session, subscriber)  # two sign-ups of one person, confirmed at once, queue here
        subscriber.confirm(now)
        subscriber.newsletter = subscriber.newsletter or consent.newsletter
        if guide is not None and not guides.given_since(session, subscriber, guide, consent.given_at):
            _give(session, house, subscriber, guide, now)
    return Confirmed(subscriber, guide, consent.newsletter, fresh)


def request_guide(session: Session, house: House, subscriber: Subscriber, guide: Guide, now: datetime) -> bool:
    """Somebody asks for a guide from their own library. False: a double click, or once too often today."""
    lock(session, subscriber)
    if not subscriber.may_receive(Stream.GUIDE) or guides.recently_asked(session, subscriber, guide, now):
        return False
    _give(session, house, subscriber, guide, now)
    return True


def unsubscribe(session: Session, subscriber: Subscriber, now: datetime, goodbye: bool) -> bool:
    """Leave: every series ends and everything queued is called off, in this one transaction. False: had left before.

    `goodbye`: whether a last mail says so. The one-click POST of a mail program asks for none.
    """
    lock(session, subscriber)
    left = subscriber.unsubscribe(now)
    sequences.stop(session, subscriber, now, LEFT)
    outbox.cancel(session, now, LEFT, Message.subscriber_id == subscriber.id, Message.stream != Stream.GOODBYE)
    if left and goodbye:
        occasion = f"goodbye:{subscriber.left_at:%Y%m%d%H%M%S}"
        outbox.queue(session, subscriber, Stream.GOODBYE, occasion, now, context={})
    return left


def erase(session: Session, house: House, subscriber: Subscriber, now: datetime) -> None:
    """Delete everything held about a person (UK GDPR Art. 17). A keyed hash stays, against old lists (imports)."""
    if Suppression.of(session, house.secrets, subscriber.email_key) is None:
        reason = {Status.BOUNCED: SuppressionReason.BOUNCED, Status.COMPLAINED: SuppressionReason.COMPLAINED}
        kept = reason.get(subscriber.status, SuppressionReason.ERASED)
        hashed = address_hash(house.secrets[0], subscriber.email_key)
        session.add(Suppression(address_hash=hashed, reason=kept, created_at=now))
    outbox.forget_mentions(session, subscriber.email)
    accounts.audit.forget_mentions(session, subscriber.email)
    _delete(session, subscriber)


def _delete(session: Session, subscriber: Subscriber) -> None:
    """The database deletes with it: consents, requests, enrollments, messages, attempts."""
    outbox.strike_out(session, session.scalars(select(Message.id).where(Message.subscriber_id == subscriber.id)).all())
    session.delete(subscriber)
    session.flush()


def choose(session: Session, subscriber: Subscriber, newsletter: bool, first_name: str, wording: str,
           now: datetime) -> None:  # fmt: skip
    """The preferences page: the newsletter on or off, and a name."""
    subscriber.rename(first_name)
    if newsletter and not subscriber.newsletter and subscriber.status is Status.CONFIRMED:
        session.add(
            Consent(subscriber_id=subscriber.id, newsletter=True, wording=wording, version=WORDING_VERSION,
                    page="/preferences", form="preferences", given_at=now, confirmed_at=now)
        )  # fmt: skip
    subscriber.newsletter = newsletter and subscriber.status is Status.CONFIRMED
    if not newsletter:
        outbox.cancel(
            session, now, "The person left the newsletter.",
            Message.subscriber_id == subscriber.id, Message.stream == Stream.CAMPAIGN,
        )  # fmt: skip


def remind_and_forget(session: Session, house: House, now: datetime, limit: int = 200) -> tuple[int, int]:
    """One reminder to those who never confirmed, and after 30 days their deletion: (reminded, deleted)."""
    due = session.scalars(reminders_due(now).limit(limit)).all()
    for subscriber in due:
        _remind(session, house, subscriber, now)
    old = session.scalars(
        select(Subscriber)
        .where(Subscriber.status == Status.PENDING, Subscriber.created_at <= now - timedelta(days=LINK_DAYS))
        .where(~_asked_lately(now).exists())
        .limit(limit)
    ).all()
    for subscriber in old:
        _delete(session, subscriber)
    return len(due), len(old)


def reminders_due(now: datetime) -> Select[Subscriber]:
    """Who never confirmed, and is to be reminded by now."""
    reminded = select(Message.id).where(Message.subscriber_id == Subscriber.id, Message.occasion == "reminder")
    return select(Subscriber).where(
        Subscriber.status == Status.PENDING,
        Subscriber.created_at.between(now - timedelta(days=LINK_DAYS), now - REMIND_AFTER),
        # Without a sign-up of their own (out of an imported list) there is nothing to remind of.
        select(Consent.id).where(Consent.subscriber_id == Subscriber.id).exists(),
        ~reminded.exists(),
    )


def _asked_lately(now: datetime) -> Select[int]:
    lately = now - timedelta(days=LINK_DAYS)
    return select(Consent.id).where(Consent.subscriber_id == Subscriber.id, Consent.given_at > lately)


def _remind(session: Session, house: House, subscriber: Subscriber, now: datetime) -> None:
    look = select(Consent).where(Consent.subscriber_id == subscriber.id).order_by(Consent.id.desc()).limit(1)
    if (consent := session.scalar(look)) is None:
        return
    guide = _guide(session, consent.guide)
    context = _confirmation(session, house, consent, guide, now)
    outbox.queue(session, subscriber, Stream.REMINDER, "reminder", now, context=context)


def _ask_to_confirm(session: Session, house: House, subscriber: Subscriber, consent: Consent, guide: Guide | None,
                    now: datetime) -> None:  # fmt: skip
    today = session.scalar(
        select(func.count()).where(
            Message.subscriber_id == subscriber.id,
            Message.stream == Stream.CONFIRM,
            Message.created_at > now - timedelta(days=1),
        )
    )
    if (today or 0) < MOST_CONFIRMATIONS_A_DAY:
        context = _confirmation(session, house, consent, guide, now)
        outbox.queue(session, subscriber, Stream.CONFIRM, f"confirm:{consent.id}", now, context=context)


def _confirmation(session: Session, house: House, consent: Consent, guide: Guide | None,
                  now: datetime) -> dict[str, object]:  # fmt: skip
    named = None
    if guide is not None:
        named = {"title": guide.title, "slug": guide.slug, "pages": guide.pages(house.guides)}
    until = consent.given_at + timedelta(days=LINK_DAYS)  # then the sign-up is deleted: a reminder promises no more
    return {
        "consent": consent.id,
        "until": int(until.timestamp()),
        "days": max(round((until - now) / timedelta(days=1)), 1),
        "guide": named,
        "newsletter": consent.newsletter,
        "articles": articles_after(session, guide) if guide else 0,
    }


def _just_asked(session: Session, subscriber: Subscriber, guide: Guide, now: datetime) -> bool:
    if subscriber.status is Status.CONFIRMED:
        return guides.recently_asked(session, subscriber, guide, now)
    look = select(Consent.id).where(
        Consent.subscriber_id == subscriber.id, Consent.guide == guide.slug, Consent.given_at > now - AGAIN_AFTER
    )
    return session.scalar(look.limit(1)) is not None


def _give(session: Session, house: House, subscriber: Subscriber, guide: Guide, now: datetime) -> None:
    zone = brand.current(session).zone
    every = session.scalars(select(Sequence).where(Sequence.guide_slug == guide.slug).order_by(Sequence.id)).all()
    started = [one for one in every if sequences.enroll(session, subscriber, one, zone, now)]
    # One that is switched off begins when it is switched on: nothing is promised until then.
    guides.send(session, subscriber, guide, house.guides, now, series=any(one.live for one in started))


def series_of(session: Session, guide: Guide) -> SequenceOf[Sequence]:
    """The live sequences that this guide starts."""
    return session.scalars(
        select(Sequence).where(Sequence.guide_slug == guide.slug, Sequence.live).order_by(Sequence.id)
    ).all()


def articles_after(session: Session, guide: Guide) -> int:
    """How many articles follow this guide: what the form, the page and the confirmation promise."""
    return sum(len(one.current_steps) for one in series_of(session, guide))


def _guide(session: Session, slug: str | None) -> Guide | None:
    return session.scalar(select(Guide).where(Guide.slug == slug)) if slug else None


def _barred(session: Session, house: House, address: Address) -> bool:
    found = Suppression.of(session, house.secrets, address.key)
    return found is not None and found.reason is not SuppressionReason.ERASED
