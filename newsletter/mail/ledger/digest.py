"""Entries of readers' weekly mails: one for each campaign message that goes into one instead of being sent singly.

The claim decides (`enter`): the transaction that claims a message cancels it and enters it here. So a message that may
have left is never entered, and one that is entered never leaves by itself. An entry is in no mail yet (it waits), in
one (`digest_id`), or in none for good (`reason`).
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from newsletter.db import Base
from newsletter.mail.ledger.message import ACCEPTED, OPEN, Message, State, cancelled
from newsletter.mail.ledger.reasons import REASON_CHECK, Reason
from newsletter.subscribers import Stream

_WAITS = text("digest_id IS NULL AND reason IS NULL")


class DigestEntry(Base):
    """A campaign's message that goes into its reader's weekly mail. Its primary key allows one entry per message."""

    __tablename__ = "digest_entries"
    __table_args__ = (
        CheckConstraint(REASON_CHECK, name="reason"),
        Index("ix_digest_entries_due", "due_at", postgresql_where=_WAITS, sqlite_where=_WAITS),
    )

    # No other foreign keys, as `Message` has none: a claim would wait for a lock on the subscriber, whose holder may
    # wait for the claim's batch. Deleting a subscriber deletes the message, and with it the entry.
    message_id: Mapped[int] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    subscriber_id: Mapped[int] = mapped_column(BigInteger, index=True)
    dispatch_id: Mapped[int] = mapped_column(BigInteger, index=True)
    counts_from: Mapped[datetime]
    """It goes into the first weekly mail after this moment."""
    due_at: Mapped[datetime]
    """When to consider it: may be early, never late. The rule is `Brand.next_digest`."""
    digest_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    revision_id: Mapped[int | None] = mapped_column(BigInteger)
    """The revision that the weekly mail links to."""
    tries: Mapped[int] = mapped_column(default=0)
    """How many weekly mails it was put into: a waiting one may be taken back."""
    reason: Mapped[Reason | None] = mapped_column()
    """Why it is in no mail, and never will be."""


WAITING = (DigestEntry.digest_id.is_(None), DigestEntry.reason.is_(None))


def enter(session: Session, message_ids: Collection[int], now: datetime) -> None:
    """Cancel these messages, found by a claim, and enter them for the weekly mail.

    One cancelled for another reason or erased since is not entered: only what the first statement changed is.
    """
    ours = Message.id.in_(message_ids)
    session.execute(
        update(Message)
        .where(ours, Message.state.in_((*OPEN, State.CLAIMED)))
        .values(**cancelled(now, Reason.DIGEST))
        .execution_options(synchronize_session=False)
    )
    moment = literal(now, DigestEntry.due_at.type)
    entered = select(Message.id, Message.subscriber_id, Message.dispatch_id, moment, moment, literal(0))
    columns = ["message_id", "subscriber_id", "dispatch_id", "counts_from", "due_at", "tries"]
    called_off = entered.where(ours, Message.state == State.CANCELLED, Message.reason == Reason.DIGEST)
    session.execute(insert(DigestEntry).from_select(columns, called_off, include_defaults=False))


def reopen(session: Session, mails: Collection[int], now: datetime) -> None:
    """Make the entries of those of these weekly mails that are cancelled wait again, due at the next tick."""
    gone = select(Message.id).where(Message.id.in_(mails), Message.state == State.CANCELLED)
    session.execute(
        update(DigestEntry)
        .where(DigestEntry.digest_id.in_(gone), DigestEntry.reason.is_(None))
        .values(digest_id=None, due_at=now)
        .execution_options(synchronize_session=False)
    )


def take_back(session: Session, subscriber_id: int, reason: Reason, now: datetime) -> None:
    """Cancel this person's weekly mail if it is queued and not on the wire; its entries wait again."""
    queued = (Message.subscriber_id == subscriber_id, Message.stream == Stream.DIGEST)
    open_ = Message.state.in_((*OPEN, State.CLAIMED))
    ids = session.scalars(select(Message.id).where(*queued, open_).order_by(Message.id).with_for_update()).all()
    if not ids:
        return
    called_off = update(Message).where(Message.id.in_(ids)).values(**cancelled(now, reason))
    session.execute(called_off.execution_options(synchronize_session=False))
    reopen(session, ids, now)


def call_off(session: Session, subscriber_id: int, reason: Reason, *conditions: ColumnElement[bool]) -> None:
    """Close, with a reason, this person's entries that wait, or whose weekly mail is cancelled."""
    gone = select(Message.id).where(Message.id == DigestEntry.digest_id, Message.state == State.CANCELLED)
    open_ = or_(DigestEntry.digest_id.is_(None), gone.correlate(DigestEntry).exists())
    session.execute(
        update(DigestEntry)
        .where(DigestEntry.subscriber_id == subscriber_id, DigestEntry.reason.is_(None), open_, *conditions)
        .values(reason=reason)
        .execution_options(synchronize_session=False)
    )


def look_again(session: Session, now: datetime, *conditions: ColumnElement[bool]) -> None:
    """Have the next tick recompute waiting entries under these conditions: their `due_at` may be too late now."""
    session.execute(
        update(DigestEntry).where(*WAITING, *conditions).values(due_at=now).execution_options(synchronize_session=False)
    )


def go_on(session: Session, subscriber_id: int, now: datetime) -> None:
    """After a reader's pause, put what waited through it into the next weekly mail."""
    session.execute(
        update(DigestEntry)
        .where(*WAITING, DigestEntry.subscriber_id == subscriber_id)
        .values(counts_from=now, due_at=now)
        .execution_options(synchronize_session=False)
    )


def count(session: Session, dispatch_ids: Iterable[int]) -> dict[int, int]:
    """By dispatch how many people have it in a weekly mail, or waiting for one."""
    look = select(DigestEntry.dispatch_id, func.count()).where(DigestEntry.reason.is_(None))
    rows = session.execute(look.where(DigestEntry.dispatch_id.in_(dispatch_ids)).group_by(DigestEntry.dispatch_id))
    return dict(rows.all())


def in_digest() -> ColumnElement[bool]:
    """The condition that a campaign's message was in a weekly mail that left, or may have."""
    mail = aliased(Message)
    left = mail.state.in_((*ACCEPTED, State.UNCERTAIN))
    stood = select(mail.id).where(DigestEntry.message_id == Message.id, mail.id == DigestEntry.digest_id, left)
    return (Message.reason == Reason.DIGEST) & stood.correlate(Message).exists()


def entries_of(session: Session, subscriber_id: int) -> list[tuple[DigestEntry, Message | None]]:
    """A person's entries, each with the weekly mail it is in, if any."""
    mail = aliased(Message)
    look = select(DigestEntry, mail).outerjoin(mail, mail.id == DigestEntry.digest_id)
    rows = session.execute(look.where(DigestEntry.subscriber_id == subscriber_id).order_by(DigestEntry.message_id))
    return [(entry, found) for entry, found in rows]
