"""After unsubscribing: undo it if it was a slip, and record why, if the reader says so."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.db import lock
from newsletter.events import Event, EventKind, Press, WhyLeft, note
from newsletter.journey.give import House, start
from newsletter.journey.pause import PAUSE, pause
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, Reason
from newsletter.sequences import Enrollment, EnrollmentStatus
from newsletter.subscribers import (
    SUPPRESSING,
    Basis,
    Consent,
    Status,
    Stream,
    Subscriber,
    Suppression,
    name_topics,
    topic_choice,
)
from newsletter.wordings import wording_id

UNDO_FOR = timedelta(days=1)
"""How long one press can undo a slip; later, coming back is a new sign-up."""


def slip(session: Session, house: House, subscriber: Subscriber, now: datetime) -> Event | None:
    """The event of leaving while one press can undo it: recent, by a confirmed reader, and their last change."""
    if subscriber.status is not Status.UNSUBSCRIBED:
        return None
    theirs = select(Event).where(Event.subscriber_id == subscriber.id, Event.kind != EventKind.SAID_WHY)
    last = session.scalar(theirs.order_by(Event.id.desc()).limit(1))
    if last is None or last.kind is not EventKind.LEFT or last.before != Status.CONFIRMED or last.at + UNDO_FOR < now:
        return None
    against = Suppression.of_address(session, house.secrets, subscriber.address)
    return None if any(one.reason in SUPPRESSING for one in against) else last


def undo_leaving(session: Session, house: House, subscriber: Subscriber, left: int, press: Press,
                 now: datetime) -> bool:  # fmt: skip
    """Undo this leaving: restore what they got, and resume their series; return False if it is too late.

    Cancelled mail stays cancelled: a campaign sent meanwhile is not caught up. An earlier pause is restored.
    """
    lock(session, subscriber)
    slipped = slip(session, house, subscriber, now)
    if slipped is None or slipped.id != left:
        return False
    subscriber.confirm(now)
    subscriber.newsletter = bool(slipped.newsletter_before)
    consent = Consent(
        subscriber_id=subscriber.id, newsletter=subscriber.newsletter, page=press.page,
        wording_id=wording_id(session, press.words), form="unsubscribe", given_at=now, confirmed_at=now,
        basis=Basis.MAIL,
    )  # fmt: skip
    session.add(consent)
    session.flush()
    name_topics(session, consent, topic_choice(session, subscriber))
    note(session, subscriber.id, EventKind.RETURNED, press, now, before=Status.UNSUBSCRIBED, newsletter_before=False)
    if subscriber.newsletter:
        note(session, subscriber.id, EventKind.NEWSLETTER_ON, press, now, newsletter_before=False)
    for enrollment in _ended_with(session, slipped):
        start(session, subscriber, enrollment.sequence, press, now)
    if (until := _paused_until(session, slipped)) and until > now:
        pause(session, subscriber, press, now, until)
    goodbye = (Message.subscriber_id == subscriber.id, Message.stream == Stream.GOODBYE)
    ledger.cancel(session, now, Reason.CONFIRMED, *goodbye)
    return True


def _ended_with(session: Session, left: Event) -> list[Enrollment]:
    """The enrollments that ended with this leaving, the active one first."""
    ended = select(Enrollment).where(
        Enrollment.subscriber_id == left.subscriber_id, Enrollment.status == EnrollmentStatus.STOPPED,
        Enrollment.reason == Reason.LEFT, Enrollment.ended_at == left.at,
    )  # fmt: skip
    return list(session.scalars(ended.order_by(Enrollment.id)))


def _paused_until(session: Session, left: Event) -> datetime | None:
    """The end of the pause they were in when they left; None if they were not."""
    theirs = select(Event).where(Event.subscriber_id == left.subscriber_id, Event.id < left.id)
    pauses = theirs.where(Event.kind.in_((EventKind.PAUSED, EventKind.WENT_ON)))
    last = session.scalar(pauses.order_by(Event.id.desc()).limit(1))
    return last.at + PAUSE if last and last.kind is EventKind.PAUSED else None


def say_why(session: Session, subscriber: Subscriber, why: WhyLeft, press: Press, now: datetime) -> bool:
    """Record why they left; the last answer counts. Return False if they have not left."""
    lock(session, subscriber)
    if subscriber.status is not Status.UNSUBSCRIBED:
        return False
    note(session, subscriber.id, EventKind.SAID_WHY, press, now, why=why)
    return True


def why_left(session: Session, since: datetime) -> dict[WhyLeft, int]:
    """Count the reasons given since then, each person's last."""
    last = select(func.max(Event.id)).where(Event.why.is_not(None), Event.at >= since).group_by(Event.subscriber_id)
    counted = select(Event.why, func.count()).where(Event.id.in_(last)).group_by(Event.why)
    found = {why: many for why, many in session.execute(counted) if why is not None}
    return {why: found[why] for why in WhyLeft if why in found}
