"""Changes a reader's address: requested on their page, done by a press in the mail to the new one.

The present address is notified, and can stop the change or, for a day, undo it. The requester learns nothing about the
new address: the page says the same in every case, and the limits on forms apply here too.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsletter import clicks
from newsletter.db import lock
from newsletter.events import By, EventKind, Press, note
from newsletter.journey.confirm import LinkOver, take_newsletter
from newsletter.journey.give import House, start
from newsletter.journey.leave import delete_unproven, forget_mentions, unsubscribe
from newsletter.journey.prove import Proof, is_often_enough, link_to
from newsletter.journey.sign_up import refusal
from newsletter.mail import ledger
from newsletter.sequences import Enrollment
from newsletter.sequences.enrollment import LIVE
from newsletter.subscribers import (
    SUPPRESSING,
    Address,
    AddressChange,
    Allowance,
    Basis,
    Consent,
    FormMail,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    TopicChoice,
    address_hash,
    address_hashes,
    allowance,
    name_topics,
    read_address,
    register,
    topic_choice,
)
from newsletter.wordings import wording_id


class Stayed(StrEnum):
    """What a press in the mail to the earlier address did."""

    STOPPED = "stopped"
    TAKEN_BACK = "taken back"
    OVER = "over"
    """Nothing: it is too late, or something else was requested since."""


class NoMove(StrEnum):
    """Why an owner's request for another address is not carried out."""

    NO_READER = "no reader"
    SAME = "same"
    TAKEN = "taken"
    """Somebody is subscribed with that address, or was and has left."""
    KEPT = "kept"
    """Nothing may be sent there: it bounced, or its reader refused all mail for good."""
    OFTEN = "often"


class _RolledBack(Exception):
    """Nothing is sent to the new address."""


def ask_move(session: Session, house: House, subscriber: Subscriber, to: Address, press: Press, now: datetime) -> bool:
    """Ask the new mailbox, and notify the present one.

    Return False if they are not confirmed, have this address already, or have used up the day's requests.
    """
    lock(session, subscriber)
    theirs = AddressChange.subscriber_id == subscriber.id
    if subscriber.status is not Status.CONFIRMED or to.key == subscriber.email_key:
        return False
    if is_often_enough(session, subscriber, now):
        return False
    for earlier in session.scalars(select(AddressChange).where(theirs)):
        earlier.end(now)
    read = wording_id(session, press.words) if press.words else None
    change = AddressChange(subscriber_id=subscriber.id, asked_at=now, wording_id=read)
    session.add(change)
    session.flush()
    _ask_there(session, house, change, to, _asked_by(press), now)
    told = link_to(Proof.STAY, change.id, now) | _asked_by(press)
    ledger.queue(session, subscriber, Stream.PROVE, f"stay:{change.id}", now, context=told)
    return True


def _asked_by(press: Press) -> dict[str, Any]:
    """Context for the mails: at an owner's request, they must not mention a page that the reader never used."""
    return {"by_owner": True} if press.by is By.OWNER else {}


def _ask_there(session: Session, house: House, change: AddressChange, to: Address, by: dict[str, Any],
               now: datetime) -> None:  # fmt: skip
    """Queue the mail to the new address. If none may be sent, do the same and roll it back, as for a sign-up."""
    found = Suppression.of_address(session, house.secrets, to)
    left = allowance(session, house.secrets, to, house.sign_ups_per_domain, now)
    proven, kept = False, True
    try:
        with session.begin_nested():
            other = register(session, to, now, language=change.subscriber.language)
            proven = other.status is Status.CONFIRMED
            change.to = other
            asked = link_to(Proof.MOVE, change.id, now) | refusal(house, to) | by
            ledger.queue(session, other, Stream.PROVE, f"move:{change.id}", now, context=asked,
                         due_at=max(left.domain_free_at, now))  # fmt: skip
            if _is_kept_from(other, found, left, proven, now):
                raise _RolledBack
    except _RolledBack:
        session.refresh(change)
        kept = False
    session.add(FormMail(mailbox_hash=left.mailbox_hash, domain_hash=left.domain_hash, sent=kept, proven=proven,
                         at=now if proven else left.domain_free_at))  # fmt: skip


def why_not(session: Session, house: House, subscriber: Subscriber, to: Address, now: datetime) -> NoMove | None:
    """Why no question would be sent to this address, or None. For owners only: readers are never told."""
    if subscriber.status is not Status.CONFIRMED:
        return NoMove.NO_READER
    if to.key == subscriber.email_key:
        return NoMove.SAME
    other = session.scalar(select(Subscriber).where(Subscriber.email_key == to.key))
    if other is not None and other.status is not Status.PENDING:
        return NoMove.TAKEN
    reasons = {one.reason for one in Suppression.of_address(session, house.secrets, to)}
    if reasons & {*SUPPRESSING, SuppressionReason.BOUNCED}:
        return NoMove.KEPT
    left = allowance(session, house.secrets, to, house.sign_ups_per_domain, now)
    often = is_often_enough(session, subscriber, now) or not left.permits(proven=False) or left.waits_too_long(now)
    return NoMove.OFTEN if often else None


def _is_kept_from(other: Subscriber, found: list[Suppression], left: Allowance, proven: bool, now: datetime) -> bool:
    reasons = {one.reason for one in found}
    gone = other.status in (Status.COMPLAINED, Status.BOUNCED) or reasons & {*SUPPRESSING, SuppressionReason.BOUNCED}
    return bool(gone) or not left.permits(proven=proven) or (not proven and left.waits_too_long(now))


def open_change(session: Session, change_id: int, now: datetime) -> AddressChange:
    """The change that waits for this press. Raises LinkOver."""
    change = session.get(AddressChange, change_id)
    if change is None or not change.waits(now) or change.to is None or change.subscriber.status is not Status.CONFIRMED:
        raise LinkOver
    return change


def _locked(session: Session, change_id: int) -> AddressChange | None:
    """A change, locked and reread together with both its subscribers."""
    change = session.get(AddressChange, change_id)
    if change is not None:
        ids = [change.subscriber_id, change.to_id or 0]
        both = select(Subscriber).where(Subscriber.id.in_(ids)).order_by(Subscriber.id).with_for_update()
        session.scalars(both.execution_options(populate_existing=True)).all()
        change = session.get(AddressChange, change_id, populate_existing=True, with_for_update=True)
    return change


def move(session: Session, house: House, change_id: int, press: Press, now: datetime) -> Subscriber:
    """Carry out a press at the new address; return the subscriber whose page is theirs from now on. Raises LinkOver.

    If the new address has no reader yet, the mover takes it with all they have. A reader already there keeps what they
    have and gets what the mover got, and the mover is unsubscribed. Idempotent.
    """
    if (pressed := _locked(session, change_id)) is not None and pressed.moved is not None:
        return pressed.moved
    change = open_change(session, change_id, now)
    mover, other = change.subscriber, change.to
    assert other is not None
    against = Suppression.of_address(session, house.secrets, other.address)
    if other.status is Status.COMPLAINED or any(one.reason in SUPPRESSING for one in against):
        raise LinkOver
    session.execute(delete(Suppression).where(Suppression.id.in_([one.id for one in against])))
    change.done_at = now
    if other.status is not Status.PENDING:
        _take_over(session, mover, other, press, now)
        return other
    there, before = other.address, mover.address
    change.to, change.earlier = None, before.email
    delete_unproven(session, other)
    mover.move(there, now)
    # No old list or backup may bring the earlier address back: it must not be mailed again.
    Suppression.add(session, address_hash(house.secrets[0], before.key), SuppressionReason.ERASED, now)
    _agree(session, mover, mover.newsletter, topic_choice(session, mover), press, now)
    forget_mentions(session, before.email)
    return mover


def _agree(session: Session, subscriber: Subscriber, newsletter: bool, topics: TopicChoice, press: Press,
           now: datetime) -> None:  # fmt: skip
    """Record the consent given at the new address."""
    consent = Consent(
        subscriber_id=subscriber.id, newsletter=newsletter, page=press.page, form="address",
        wording_id=wording_id(session, press.words), given_at=now, confirmed_at=now, basis=Basis.MAIL,
    )  # fmt: skip
    session.add(consent)
    session.flush()
    if newsletter:
        name_topics(session, consent, topics)


def _take_over(session: Session, mover: Subscriber, other: Subscriber, press: Press, now: datetime) -> None:
    if other.status is not Status.CONFIRMED:
        note(session, other.id, EventKind.RETURNED, press, now, before=other.status, newsletter_before=False)
        other.confirm(now)
    topics = topic_choice(session, mover)
    _agree(session, other, mover.newsletter, topics, press, now)
    if mover.newsletter:
        take_newsletter(session, other, topics, press, now)
    if clicks.objects(session, mover.id):
        clicks.object_to(session, other.id, now)
    live = select(Enrollment).where(Enrollment.subscriber_id == mover.id, Enrollment.status.in_(LIVE))
    for enrollment in session.scalars(live.order_by(Enrollment.id)).all():
        start(session, other, enrollment.sequence, press, now)
    unsubscribe(session, mover, now, goodbye=False, press=press)


def stay(session: Session, house: House, change_id: int, now: datetime) -> Stayed:
    """Carry out a press at the earlier address: stop the change, or undo it. Idempotent."""
    change = _locked(session, change_id)
    if change is None:
        return Stayed.OVER
    if change.end(now):
        return Stayed.STOPPED
    if change.can_be_taken_back(now):
        return Stayed.TAKEN_BACK if _go_back(session, house, change, now) else Stayed.OVER
    return _pressed_before(session, change)


def _pressed_before(session: Session, change: AddressChange) -> Stayed:
    """What an earlier press did, for whoever presses twice."""
    others = select(AddressChange.id).where(AddressChange.subscriber_id == change.subscriber_id).limit(1)
    if change.done_at is None:
        since = session.scalar(others.where(AddressChange.id > change.id))
        return Stayed.STOPPED if since is None else Stayed.OVER
    went_along = others.where(AddressChange.id < change.id, AddressChange.ended_at == change.ended_at)
    is_back = change.ended_at is not None and change.subscriber.moved_at == change.ended_at
    return Stayed.TAKEN_BACK if is_back and session.scalar(went_along) is None else Stayed.OVER


def _go_back(session: Session, house: House, change: AddressChange, now: datetime) -> bool:
    """Restore the earlier address; return False if somebody else has signed up there and confirmed."""
    mover, there, away = change.subscriber, read_address(change.earlier or ""), change.subscriber.email
    newcomer = session.scalar(select(Subscriber).where(Subscriber.email_key == there.key).with_for_update())
    if newcomer is not None and newcomer.status is not Status.PENDING:
        return False
    if newcomer is not None:
        delete_unproven(session, newcomer)
    hashes = address_hashes(house.secrets, there.key)
    ours = (Suppression.address_hash.in_(hashes), Suppression.reason == SuppressionReason.ERASED)
    session.execute(delete(Suppression).where(*ours))
    mover.move(there, now)
    # Later changes end too, though their links may still be pressed.
    since = (AddressChange.subscriber_id == mover.id, AddressChange.id >= change.id)
    for one in session.scalars(select(AddressChange).where(*since)):
        one.ended_at, one.earlier = one.ended_at or now, None
    session.flush()
    forget_mentions(session, away)
    return True
