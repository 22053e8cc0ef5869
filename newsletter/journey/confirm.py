"""The press of the button behind a mail's link: the one thing that starts or widens what a person receives."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from newsletter import guides
from newsletter.db import lock
from newsletter.events import By, EventKind, Press, note
from newsletter.guides import Guide
from newsletter.journey.give import LINK_DAYS, House, guide_named, start_series
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, Reason
from newsletter.subscribers import (
    BARRING,
    Basis,
    Consent,
    Status,
    Stream,
    Subscriber,
    Suppression,
    open_consents,
)

MAIL_LINK = Press(By.MAIL, page="/confirm")


class LinkOver(Exception):
    """The link is older than a change of mind: its person has left, bounced, complained or refused since."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What pressing the button did. `fresh` is False for the second press, and the second browser."""

    subscriber: Subscriber
    guide: Guide | None
    newsletter: bool
    fresh: bool


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What a press on this link would bring: the page says it, and the press sends back `upto`."""

    newsletter: bool
    upto: int
    """The newest sign-up that the page told of: what is typed while it is open is not agreed to by it."""


def asked_for(session: Session, consent: Consent, now: datetime, upto: int | None = None) -> AskedFor:
    """The newsletter belongs to it when it was ticked in any sign-up of this person that waits for its press.

    Without `upto` sign-ups up to this one count, which its mail has told of.
    """
    waiting = open_consents(session, consent.subscriber, now - timedelta(days=LINK_DAYS))
    told = [one for one in waiting if one.id <= (consent.id if upto is None else upto)]
    ticked = any(one.newsletter for one in told) and not consent.subscriber.newsletter
    return AskedFor(ticked, max((one.id for one in waiting), default=consent.id))


def confirm(session: Session, house: House, consent_id: int, now: datetime, *, press: Press = MAIL_LINK,
            upto: int | None = None, newsletter: bool = True) -> Confirmed | None:  # fmt: skip
    """Somebody pressed the button in the confirmation, or the one that starts what comes with a guide.

    None: the sign-up is gone (deleted after its time). `newsletter`: whether the button pressed was one that brings it,
    where it was ticked. Two browsers at once: one wins, the other finds it done and is shown the same page. Raises
    LinkOver.
    """
    consent = session.get(Consent, consent_id)
    if consent is None:
        return None
    lock(session, consent.subscriber)  # two presses, and two sign-ups confirmed at once, queue
    session.refresh(consent)
    subscriber, guide = consent.subscriber, guide_named(session, consent.guide)
    if consent.confirmed_at is not None:
        return Confirmed(subscriber, guide, consent.newsletter, False)
    speaking_against = Suppression.of_address(session, house.secrets, subscriber.address)
    barred = subscriber.status is Status.COMPLAINED or any(one.reason in BARRING for one in speaking_against)
    if consent.is_over or barred:
        raise LinkOver
    newsletter = newsletter and asked_for(session, consent, now, upto).newsletter
    _prove(session, consent, press, now)
    if speaking_against:
        session.execute(delete(Suppression).where(Suppression.id.in_([one.id for one in speaking_against])))
    if newsletter:
        take_newsletter(session, subscriber, press, now)
    if guide is not None:
        started = start_series(session, subscriber, guide, press, now)
        if not guides.given_since(session, subscriber, guide, consent.given_at):
            guides.send(session, subscriber, guide, house.guides, now, {"series": bool(started)})
    return Confirmed(subscriber, guide, newsletter, True)


def _prove(session: Session, consent: Consent, press: Press, now: datetime) -> None:
    """The address is proven by its own inbox: this ends an unsubscription, and a bounce by mistake."""
    subscriber, before = consent.subscriber, consent.subscriber.status
    if before is not Status.CONFIRMED:
        names = [one.first_name for one in open_consents(session, subscriber, now - timedelta(days=LINK_DAYS))]
        subscriber.rename(next((name for name in reversed(names) if name), ""))
    consent.confirm(now, Basis.MAIL)
    subscriber.confirm(now)
    if before in (Status.UNSUBSCRIBED, Status.BOUNCED):
        note(session, subscriber.id, EventKind.RETURNED, press, now, before=before, newsletter_before=False)
    reminder = (Message.subscriber_id == subscriber.id, Message.stream == Stream.REMINDER)
    ledger.cancel(session, now, Reason.CONFIRMED, *reminder)


def take_newsletter(session: Session, subscriber: Subscriber, press: Press, now: datetime) -> None:
    """The newsletter, from now on."""
    subscriber.newsletter = True
    note(session, subscriber.id, EventKind.NEWSLETTER_ON, press, now, newsletter_before=False)
