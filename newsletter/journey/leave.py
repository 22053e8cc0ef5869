"""Unsubscribing, refusing and erasure, and what an owner can lift again."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsletter import accounts, campaigns, sequences
from newsletter.db import lock
from newsletter.events import By, Event, EventKind, Press, note
from newsletter.journey.give import House
from newsletter.mail import alarms, ledger
from newsletter.mail.ledger import Message, Reason, digest, mentions
from newsletter.mail.ledger.counts import invalidate
from newsletter.subscribers import (
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    address_hash,
    address_hashes,
    consent,
    earlier_addresses,
    end_changes,
    end_open,
    forget_open,
)
from newsletter.subscribers.segments import saved


def unsubscribe(session: Session, subscriber: Subscriber, now: datetime, goodbye: bool,
                press: Press | None = None) -> bool:  # fmt: skip
    """Unsubscribe: end every series and cancel everything queued, in one transaction; return False if they had left.

    A reader whose address bounces gets nothing anyway; their leaving is recorded in case the bounce is lifted.
    `goodbye`: whether a last mail confirms it. A mail program's one-click POST asks for none.
    """
    lock(session, subscriber)
    before, newsletter = subscriber.status, subscriber.newsletter
    left = subscriber.unsubscribe(now) or (before is Status.BOUNCED and not has_left_bounced(session, subscriber))
    if left:
        press = press or Press(By.MAIL, page="/unsubscribe")
        note(session, subscriber.id, EventKind.LEFT, press, now, before=before, newsletter_before=newsletter)
    end_open(session, subscriber.id, now)
    end_changes(session, subscriber.id, now)
    sequences.stop(session, subscriber, now, Reason.LEFT)
    ledger.cancel(session, now, Reason.LEFT, Message.subscriber_id == subscriber.id, Message.stream != Stream.GOODBYE)
    digest.call_off(session, subscriber.id, Reason.LEFT)
    if left and goodbye and subscriber.may_receive(Stream.GOODBYE):
        key = f"goodbye:{subscriber.left_at:%Y%m%d%H%M%S}"
        ledger.queue(session, subscriber, Stream.GOODBYE, key, now, context={})
    return left


def refuse(session: Session, house: House, subscriber_id: int, mailbox_hash: str, press: Press, now: datetime) -> None:
    """Act on "this was not me": no form makes us write to this mailbox again.

    An unconfirmed sign-up is deleted, with its address if that was never confirmed. A reader who had confirmed keeps
    what they get: that was their own press, and has its own unsubscribe link.
    """
    Suppression.add(session, mailbox_hash, SuppressionReason.REFUSED, now)
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is None:
        return
    address = subscriber.address
    if mailbox_hash not in address_hashes(house.secrets, address.mailbox):
        return  # the id belongs to somebody else by now
    session.flush()
    Suppression.add(session, address_hash(house.secrets[0], address.key), SuppressionReason.REFUSED, now)
    if subscriber.status is Status.PENDING:
        delete_unproven(session, subscriber)
        return
    forget_open(session, subscriber.id)
    end_changes(session, subscriber.id, now)
    asking = (Stream.CONFIRM, Stream.REMINDER)
    ledger.cancel(session, now, Reason.REFUSED, Message.subscriber_id == subscriber.id, Message.stream.in_(asking))
    note(session, subscriber.id, EventKind.REFUSED, press, now)


def erase(session: Session, house: House, subscriber: Subscriber, now: datetime) -> list[str]:
    """Delete everything held about a person (UK GDPR Art. 17) except a keyed hash, which blocks imports of old lists.

    Returns the addresses whose traces outside the database the caller must remove after the commit.
    """
    addresses = [subscriber.email, *earlier_addresses(session, subscriber.id)]
    reason = {Status.BOUNCED: SuppressionReason.BOUNCED, Status.COMPLAINED: SuppressionReason.COMPLAINED}
    if Suppression.of(session, house.secrets, subscriber.email_key) is None:
        hashed = address_hash(house.secrets[0], subscriber.email_key)
        Suppression.add(session, hashed, reason.get(subscriber.status, SuppressionReason.ERASED), now)
    forget(session, subscriber)
    return addresses


def forget(session: Session, subscriber: Subscriber) -> None:
    """Delete a person and every mention of their address. The caller handles suppression."""
    _delete(session, subscriber)
    forget_mentions(session, subscriber.email)


def delete_unproven(session: Session, subscriber: Subscriber) -> None:
    """Delete an unconfirmed sign-up. If its mail failed, also mentions of it: servers' replies are copied elsewhere."""
    troubled = select(Message.id).where(Message.subscriber_id == subscriber.id, Message.troubled_at.is_not(None))
    was_named = session.scalar(troubled.limit(1)) is not None
    _delete(session, subscriber)
    if was_named:
        forget_mentions(session, subscriber.email)


def _delete(session: Session, subscriber: Subscriber) -> None:
    """Delete the row; the database cascades to consents, events, requests, enrollments, messages and attempts.

    Wordings stay, even unreferenced ones: they are our sentences and hold nothing personal.
    """
    invalidate(session, session.scalars(select(Message.id).where(Message.subscriber_id == subscriber.id)).all())
    session.delete(subscriber)
    session.flush()


def forget_mentions(session: Session, address: str) -> None:
    """Remove an address from texts that mention it: servers' replies, and what owners wrote."""
    for kind in (mentions, alarms, accounts.audit, saved, campaigns, consent):
        kind.forget_mentions(session, address)


def lift(session: Session, house: House, subscriber: Subscriber, reason: str, now: datetime) -> bool:
    """Lift a bounce, complaint or refusal for the owner, who says why; return False if there is none.

    A bounced reader returns to their earlier state: the address works, and they never changed their mind. One who
    complained counts as unsubscribed: they may sign up again, and nothing starts before they do.
    """
    lock(session, subscriber)
    found = Suppression.of_address(session, house.secrets, subscriber.address)
    before = subscriber.status
    if before not in (Status.BOUNCED, Status.COMPLAINED) and not found:
        return False
    note(session, subscriber.id, EventKind.LIFTED, Press(By.OWNER, reason=reason), now, before=before)
    session.execute(delete(Suppression).where(Suppression.id.in_([one.id for one in found])))
    if before is Status.COMPLAINED:
        subscriber.status = Status.UNSUBSCRIBED
    elif before is Status.BOUNCED:
        _as_before_the_bounce(session, subscriber)
    return True


def _as_before_the_bounce(session: Session, subscriber: Subscriber) -> None:
    """Restore the state before the bounce, except what they have ended since, on an open page or by an old link."""
    last, since = _since_the_bounce(session, subscriber)
    stood = Status(last.before) if last and last.before else None
    stood = stood or (Status.CONFIRMED if subscriber.confirmed_at else Status.PENDING)
    subscriber.status = Status.UNSUBSCRIBED if EventKind.LEFT in since else stood
    takes_it = last is not None and last.newsletter_before and EventKind.NEWSLETTER_OFF not in since
    subscriber.newsletter = bool(takes_it) and subscriber.status is Status.CONFIRMED
    if subscriber.status is not Status.UNSUBSCRIBED:
        subscriber.left_at = None


def has_left_bounced(session: Session, subscriber: Subscriber) -> bool:
    """Whether a reader has unsubscribed since their address started to bounce."""
    return EventKind.LEFT in _since_the_bounce(session, subscriber)[1]


def _since_the_bounce(session: Session, subscriber: Subscriber) -> tuple[Event | None, set[EventKind]]:
    """The event that made the address bounce, and the kinds of events since."""
    theirs = select(Event).where(Event.subscriber_id == subscriber.id)
    bounced = theirs.where(Event.kind == EventKind.BOUNCED, Event.before != Status.BOUNCED)
    last = session.scalar(bounced.order_by(Event.id.desc()).limit(1))
    return last, {one.kind for one in session.scalars(theirs.where(Event.id > (last.id if last else 0)))}
