"""The press of the button behind a mail's link: it alone starts or widens what a person receives by sign-up."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from newsletter import guides
from newsletter.events import By, EventKind, Press, note
from newsletter.guides import Guide
from newsletter.journey.asked import AskedFor
from newsletter.journey.give import House, give_tags, start_series
from newsletter.journey.topics import change_topics
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, Reason
from newsletter.subscribers import (
    SUPPRESSING,
    Basis,
    Consent,
    Status,
    Stream,
    Subscriber,
    Suppression,
    TopicChoice,
    forget_typed,
    set_values,
    topic_choice,
)

MAIL_LINK = Press(By.MAIL, page="/confirm")


class LinkOver(Exception):
    """The link is no longer valid: its person has left, bounced, complained or refused since."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What pressing the button did. `fresh` is False for a second press, or a second browser."""

    subscriber: Subscriber
    guide: Guide | None
    newsletter: bool
    fresh: bool


def confirm(session: Session, house: House, asked: AskedFor, now: datetime, *, press: Press = MAIL_LINK,
            newsletter: bool = True) -> Confirmed:  # fmt: skip
    """Carry out a press of the confirmation's button, or of the one that starts what comes with a guide.

    `asked`: what `open_link` returned. `newsletter`: whether the button pressed brings the newsletter, if it was
    ticked. Of two browsers at once one wins; the other finds it done and shows the same page. Raises LinkOver.
    """
    consent, guide = asked.consent, asked.guide
    subscriber = consent.subscriber
    if consent.confirmed_at is not None:
        return Confirmed(subscriber=subscriber, guide=guide, newsletter=consent.newsletter, fresh=False)
    speaking_against = Suppression.of_address(session, house.secrets, subscriber.address)
    suppressed = subscriber.status is Status.COMPLAINED or any(one.reason in SUPPRESSING for one in speaking_against)
    if consent.is_over or suppressed:
        raise LinkOver
    _prove(session, asked, press, now)
    if speaking_against:
        session.execute(delete(Suppression).where(Suppression.id.in_([one.id for one in speaking_against])))
    newsletter = newsletter and asked.newsletter
    if newsletter:
        take_newsletter(session, subscriber, asked.topics, press, now)
    give_tags(session, subscriber, asked.form)
    started = start_series(session, subscriber, asked.series, press, now)
    if guide is not None and not guides.given_since(session, subscriber, guide, consent.given_at):
        guides.send(session, subscriber, guide, house.guides, now, {"series": bool(started)})
    return Confirmed(subscriber=subscriber, guide=guide, newsletter=newsletter, fresh=True)


def _prove(session: Session, asked: AskedFor, press: Press, now: datetime) -> None:
    """Record that the address is proven by its own inbox: this ends an unsubscription, and a mistaken bounce."""
    consent, subscriber = asked.consent, asked.consent.subscriber
    before = subscriber.status
    if before is not Status.CONFIRMED:
        names = [one.first_name for one in asked.waiting]
        subscriber.rename(next((name for name in reversed(names) if name), ""))
    subscriber.language = consent.language or subscriber.language
    set_values(session, subscriber.id, asked.typed)
    forget_typed(session, Consent.id.in_([one.id for one in asked.announced]))
    consent.confirm(now, Basis.MAIL)
    subscriber.confirm(now)
    if before in (Status.UNSUBSCRIBED, Status.BOUNCED):
        note(session, subscriber.id, EventKind.RETURNED, press, now, before=before, newsletter_before=False)
    reminder = (Message.subscriber_id == subscriber.id, Message.stream == Stream.REMINDER)
    ledger.cancel(session, now, Reason.CONFIRMED, *reminder)


def take_newsletter(session: Session, subscriber: Subscriber, topics: TopicChoice, press: Press,
                    now: datetime) -> None:  # fmt: skip
    """Turn the newsletter on with these topics, or add them if it is on already."""
    if subscriber.newsletter:
        change_topics(session, subscriber, topic_choice(session, subscriber) | topics, press, now)
        return
    subscriber.newsletter = True
    note(session, subscriber.id, EventKind.NEWSLETTER_ON, press, now, newsletter_before=False)
    change_topics(session, subscriber, topics, press, now)
