"""What the preferences page does: the newsletter and its topics, series stopped or restarted, names, zone, language."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.orm import Session

from newsletter import sequences
from newsletter.db import lock
from newsletter.events import By, EventKind, Press, note
from newsletter.journey.confirm import take_newsletter
from newsletter.journey.give import start
from newsletter.journey.topics import change_topics
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, Reason, digest
from newsletter.sequences import Enrollment
from newsletter.subscribers import (
    NEWSLETTER,
    Basis,
    Consent,
    Field,
    Status,
    Stream,
    Subscriber,
    TopicChoice,
    name_topics,
    set_values,
    topic_choice,
)
from newsletter.wordings import wording_id

PAGE = "/preferences"
NO_ANSWERS: Mapping[Field, str] = MappingProxyType({})


def choose(session: Session, subscriber: Subscriber, newsletter: bool, first_name: str, wording: str, now: datetime,
           fields: Mapping[Field, str] = NO_ANSWERS, topics: TopicChoice | None = None) -> None:  # fmt: skip
    """Apply the page's form: the newsletter on or off, its topics, a name, and answers to the owner's fields.

    `wording`: the text beside the boxes. `topics`: those ticked; None if the page showed none. An emptied answer is
    deleted.
    """
    lock(session, subscriber)
    subscriber.rename(first_name)
    set_values(session, subscriber.id, fields)
    press, before = Press(By.PAGE, wording, PAGE), topic_choice(session, subscriber)
    reads = subscriber.status is Status.CONFIRMED
    wanted = before if topics is None else topics if reads else topics & before
    if newsletter and reads and (not subscriber.newsletter or wanted.widens(before)):
        consent = _agreed(session, subscriber, press, now, newsletter=True)
        session.add(consent)
        session.flush()
        name_topics(session, consent, wanted)
    if newsletter and reads and not subscriber.newsletter:
        take_newsletter(session, subscriber, wanted, press, now)
    if not newsletter:
        leave_newsletter(session, subscriber, press, now)
    change_topics(session, subscriber, wanted, press, now)


def live_in(session: Session, subscriber: Subscriber, zone: str | None, now: datetime) -> None:
    """Set the reader's time zone (None: the owner's), and have their next article rescheduled."""
    if zone != subscriber.zone:
        lock(session, subscriber)
        subscriber.zone = zone
        sequences.look_again(session, subscriber, now)
        digest.look_again(session, now, digest.DigestEntry.subscriber_id == subscriber.id)


def read_in(session: Session, subscriber: Subscriber, language: str | None) -> None:
    """Set the language of the reader's pages and mails (None: the newsletter's)."""
    if language != subscriber.language:
        lock(session, subscriber)
        subscriber.language = language
        session.flush()


def leave_newsletter(session: Session, subscriber: Subscriber, press: Press, now: datetime) -> bool:
    """Turn the newsletter off, and cancel what is queued; return False if it was off."""
    took = subscriber.newsletter
    if took or subscriber.status is Status.BOUNCED:  # else it would be on once a bounce is lifted
        subscriber.newsletter = False
        note(session, subscriber.id, EventKind.NEWSLETTER_OFF, press, now, newsletter_before=True)
    its = (Message.subscriber_id == subscriber.id, Message.stream.in_(NEWSLETTER))
    ledger.cancel(session, now, Reason.NEWSLETTER_LEFT, *its)
    digest.call_off(session, subscriber.id, Reason.NEWSLETTER_LEFT)
    return took


def stop_series(session: Session, subscriber: Subscriber, enrollment_id: int, press: Press, now: datetime,
                reason: Reason = Reason.SERIES_STOPPED) -> bool:  # fmt: skip
    """End one series of this person until they restart it themselves; return False if it had ended."""
    lock(session, subscriber)
    if not sequences.stop(session, subscriber, now, reason, only=enrollment_id):
        return False
    enrollment = session.get_one(Enrollment, enrollment_id)
    note(session, subscriber.id, EventKind.SERIES_STOPPED, press, now, sequence_id=enrollment.sequence_id)
    return True


def start_again(session: Session, subscriber: Subscriber, enrollment_id: int, press: Press, now: datetime) -> bool:
    """Resume a stopped series where they were; return False if there is nothing to resume."""
    lock(session, subscriber)
    enrollment = session.get(Enrollment, enrollment_id)
    if enrollment is None or enrollment.subscriber_id != subscriber.id or not subscriber.takes(Stream.STEP):
        return False
    if not start(session, subscriber, enrollment.sequence, press, now):
        return False
    session.add(_agreed(session, subscriber, press, now, guide=enrollment.sequence.guide_slug))
    return True


def _agreed(session: Session, subscriber: Subscriber, press: Press, now: datetime, *, guide: str | None = None,
            newsletter: bool = False) -> Consent:  # fmt: skip
    return Consent(
        subscriber_id=subscriber.id, guide=guide, newsletter=newsletter, page=press.page,
        wording_id=wording_id(session, press.words), form="preferences", given_at=now, confirmed_at=now,
        basis=Basis.PAGE,
    )  # fmt: skip
