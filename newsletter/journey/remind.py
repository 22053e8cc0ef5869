"""Sends people who never confirmed one reminder, and later deletes them."""

from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from newsletter.db import lock
from newsletter.journey.give import LINK_DAYS, House, guide_named
from newsletter.journey.leave import delete_unproven
from newsletter.journey.sign_up import confirmation, refusal
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, Reason
from newsletter.subscribers import (
    Allowance,
    Consent,
    FormMail,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    allowance,
    forget_old_typed,
    open_consents,
)
from newsletter.subscribers.form_mail import forget_old

REMIND_AFTER = timedelta(days=3)
OCCASION = "reminder"


def remind_and_forget(session: Session, house: House, now: datetime, limit: int = 200) -> tuple[int, int]:
    """Send one reminder to those who never confirmed, delete them after LINK_DAYS; return (reminded, deleted)."""
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
    forget_old_typed(session, now - timedelta(days=LINK_DAYS))
    return reminded, len(old)


def reminders_due(now: datetime) -> Select[Subscriber]:
    """The SELECT of those who never confirmed and are due a reminder."""
    reminded = select(Message.id).where(Message.subscriber_id == Subscriber.id, Message.idempotency_key == OCCASION)
    return select(Subscriber).where(
        Subscriber.status == Status.PENDING,
        Subscriber.created_at <= now - REMIND_AFTER,
        Subscriber.created_at > now - timedelta(days=LINK_DAYS),
        # Without an open sign-up of their own (imported, say) there is nothing to remind them of.
        select(Consent.id)
        .where(Consent.subscriber_id == Subscriber.id, Consent.confirmed_at.is_(None), Consent.ended_at.is_(None))
        .exists(),
        ~reminded.exists(),
    )


def _asked_lately(now: datetime) -> Select[int]:
    lately = now - timedelta(days=LINK_DAYS)
    return select(Consent.id).where(Consent.subscriber_id == Subscriber.id, Consent.given_at > lately)


def ask_again(session: Session, house: House, subscriber: Subscriber, now: datetime) -> Reason | None:
    """Resend a confirmation at the owner's request; return None if it is queued, else the reason why not.

    The limits on forms apply to owners too. A double click within a minute sends one.
    """
    lock(session, subscriber)
    if subscriber.status is not Status.PENDING:
        return Reason.NOTHING_OPEN
    known = (Message.subscriber_id == subscriber.id, Message.idempotency_key == f"again:{now:%Y-%m-%dT%H:%M}")
    if session.scalar(select(Message.id).where(*known)) is not None:
        return None
    waiting, left, held_back = _may_ask(session, house, subscriber, now)
    if held_back is None:
        _ask(session, house, subscriber, Stream.CONFIRM, f"again:{now:%Y-%m-%dT%H:%M}", waiting[-1], left, now)
    return held_back


def _remind(session: Session, house: House, subscriber: Subscriber, now: datetime) -> bool:
    """Queue the reminder, or record why there is none: otherwise this person would stay due for ever."""
    waiting, left, held_back = _may_ask(session, house, subscriber, now)
    if held_back is not None:
        ledger.queue(session, subscriber, Stream.REMINDER, OCCASION, now, context={}, held_back=held_back)
        return False
    _ask(session, house, subscriber, Stream.REMINDER, OCCASION, waiting[-1], left, now)
    return True


def _may_ask(session: Session, house: House, subscriber: Subscriber,
             now: datetime) -> tuple[list[Consent], Allowance, Reason | None]:  # fmt: skip
    """The sign-ups that wait for a press, the mailbox's allowance, and the reason against asking now, if any."""
    waiting = open_consents(session, subscriber, now - timedelta(days=LINK_DAYS))
    left = allowance(session, house.secrets, subscriber.address, 0, now)
    found = Suppression.of_address(session, house.secrets, subscriber.address)
    if not waiting:
        return waiting, left, Reason.NOTHING_OPEN
    if any(one.reason is not SuppressionReason.ERASED for one in found):
        return waiting, left, Reason.SUPPRESSED
    return waiting, left, None if left.permits(proven=False) else Reason.MAILBOX_LIMIT


def _ask(session: Session, house: House, subscriber: Subscriber, stream: Stream, key: str, consent: Consent,
         left: Allowance, now: datetime) -> None:  # fmt: skip
    context = confirmation(session, house, consent, guide_named(session, consent.guide), now)
    ledger.queue(session, subscriber, stream, key, now, context=context | refusal(house, subscriber.address))
    session.add(FormMail(mailbox_hash=left.mailbox_hash, domain_hash=left.domain_hash, at=now, sent=True, proven=False))
