"""Those who never confirmed: one reminder, then their deletion."""

from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from newsletter.journey.give import LINK_DAYS, House, guide_named
from newsletter.journey.leave import delete_unproven
from newsletter.journey.sign_up import confirmation, refusal
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, Reason
from newsletter.subscribers import (
    Consent,
    FormMail,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    allowance,
    open_consents,
)
from newsletter.subscribers.form_mail import forget_old

REMIND_AFTER = timedelta(days=3)
OCCASION = "reminder"


def remind_and_forget(session: Session, house: House, now: datetime, limit: int = 200) -> tuple[int, int]:
    """One reminder to those who never confirmed, and after 30 days their deletion: (reminded, deleted)."""
    due = session.scalars(reminders_due(now).order_by(Subscriber.id).limit(limit)).all()
    reminded = sum([_remind(session, house, subscriber, now) for subscriber in due])
    old = session.scalars(
        select(Subscriber)
        .where(Subscriber.status == Status.PENDING, Subscriber.created_at <= now - timedelta(days=LINK_DAYS))
        .where(~_asked_lately(now).exists())
        .limit(limit)
    ).all()
    for subscriber in old:
        delete_unproven(session, subscriber)
    forget_old(session, now)
    return reminded, len(old)


def reminders_due(now: datetime) -> Select[Subscriber]:
    """Who never confirmed, and is to be reminded by now."""
    reminded = select(Message.id).where(Message.subscriber_id == Subscriber.id, Message.idempotency_key == OCCASION)
    return select(Subscriber).where(
        Subscriber.status == Status.PENDING,
        Subscriber.created_at <= now - REMIND_AFTER,
        Subscriber.created_at > now - timedelta(days=LINK_DAYS),
        # Without an open sign-up of their own (out of an imported list, say) there is nothing to remind of.
        select(Consent.id)
        .where(Consent.subscriber_id == Subscriber.id, Consent.confirmed_at.is_(None), Consent.ended_at.is_(None))
        .exists(),
        ~reminded.exists(),
    )


def _asked_lately(now: datetime) -> Select[int]:
    lately = now - timedelta(days=LINK_DAYS)
    return select(Consent.id).where(Consent.subscriber_id == Subscriber.id, Consent.given_at > lately)


def _remind(session: Session, house: House, subscriber: Subscriber, now: datetime) -> bool:
    """Queue the reminder, or put on record why there is none: nobody stands in front of the others for ever."""
    address = subscriber.address
    waiting = open_consents(session, subscriber, now - timedelta(days=LINK_DAYS))
    left = allowance(session, house.secrets, address, 0, now)
    held_back = None if left.permits(proven=False) else Reason.MAILBOX_LIMIT
    found = Suppression.of_address(session, house.secrets, address)
    if any(one.reason is not SuppressionReason.ERASED for one in found):
        held_back = Reason.SUPPRESSED
    if not waiting:
        ledger.queue(session, subscriber, Stream.REMINDER, OCCASION, now, context={}, held_back=Reason.NOTHING_OPEN)
        return False
    consent = waiting[-1]
    context = confirmation(session, house, consent, guide_named(session, consent.guide), now)
    ledger.queue(
        session, subscriber, Stream.REMINDER, OCCASION, now, context=context | refusal(house, address),
        held_back=held_back,
    )  # fmt: skip
    if not held_back:
        session.add(
            FormMail(mailbox_hash=left.mailbox_hash, domain_hash=left.domain_hash, at=now, sent=True, proven=False)
        )
    return not held_back
