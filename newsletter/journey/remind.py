"""Sends people who never confirmed one reminder, and later deletes them."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from newsletter.db import lock
from newsletter.journey.give import LINK_DAYS, House, guide_named
from newsletter.journey.leave import delete_unproven
from newsletter.journey.sign_up import confirmation, refusal
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, Reason
from newsletter.subscribers import (
    Allowance,
    Basis,
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
ASKED_BY_OWNER = "again:"
"""Prefix of the idempotency key of confirmation mails resent at an owner's request."""


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
    key = f"{ASKED_BY_OWNER}{now:%Y-%m-%dT%H:%M}"
    known = (Message.subscriber_id == subscriber.id, Message.idempotency_key == key)
    if session.scalar(select(Message.id).where(*known)) is not None:
        return None
    waiting, left, held_back = _may_ask(session, house, subscriber, now)
    if held_back is None:
        _ask(session, house, subscriber, Stream.CONFIRM, key, waiting[-1], left, now)
    return held_back


def ask_pending_again(session: Session, house: House, subscriber: Subscriber, now: datetime) -> bool:
    """Resend a confirmation to one of many who have not confirmed for days, once per person; return whether queued."""
    lock(session, subscriber)
    if session.scalar(select(Subscriber.id).where(Subscriber.id == subscriber.id, may_be_asked_again(now))) is None:
        return False
    waiting, left, held_back = _may_ask(session, house, subscriber, now)
    if held_back is not None:
        return False
    _ask(session, house, subscriber, Stream.CONFIRM, f"{ASKED_BY_OWNER}all", waiting[-1], left, now)
    return True


def may_be_asked_again(now: datetime) -> ColumnElement[bool]:
    """SQL condition on Subscriber: an owner may ask this person again together with many others.

    They signed up themselves days ago, have been asked nothing for days, and never again at an owner's request.
    Blocked addresses and a mailbox's allowance are checked only in `_may_ask`.
    """
    own = select(Consent.id).where(
        Consent.subscriber_id == Subscriber.id, Consent.confirmed_at.is_(None), Consent.ended_at.is_(None),
        Consent.given_at >= now - timedelta(days=LINK_DAYS), Consent.basis.is_distinct_from(Basis.IMPORT),
    )  # fmt: skip
    theirs = select(Message.id).where(Message.subscriber_id == Subscriber.id)
    before = theirs.where(Message.idempotency_key.startswith(ASKED_BY_OWNER, autoescape=True))
    questions = Message.stream.in_((Stream.CONFIRM, Stream.REMINDER)), Message.created_at > now - REMIND_AFTER
    return _waits_for_days(now) & own.exists() & ~before.exists() & ~theirs.where(*questions).exists()


def pending_for_days(session: Session, now: datetime) -> tuple[int, int]:
    """(people who signed up days ago and have not confirmed, those of them who may be asked again)."""
    look = select(func.count()).select_from(Subscriber)
    waiting = session.scalar(look.where(_waits_for_days(now))) or 0
    return waiting, (session.scalar(look.where(may_be_asked_again(now))) or 0) if waiting else 0


def _waits_for_days(now: datetime) -> ColumnElement[bool]:
    since = Subscriber.created_at > now - timedelta(days=LINK_DAYS), Subscriber.created_at <= now - REMIND_AFTER
    return (Subscriber.status == Status.PENDING) & since[0] & since[1]


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
