"""What waits for a reader's weekly mail, and what stands in which: one entry for each campaign that is not sent singly.

A claim decides (`enter`): in the transaction that takes a message from those that may be sent, it is called off and
entered here. So nothing that may have left is ever entered, and nothing that is entered leaves by itself. An entry
stands in no mail yet (it waits), in one (`digest_id`), or in none for good (`reason`).
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
    """A campaign's message that goes into its reader's weekly mail. Its key makes that one mail and no second."""

    __tablename__ = "digest_entries"
    __table_args__ = (
        CheckConstraint(REASON_CHECK, name="reason"),
        Index("ix_digest_entries_due", "due_at", postgresql_where=_WAITS, sqlite_where=_WAITS),
    )

    # No other foreign keys, as `Message` has none: a claim would wait for whoever holds the subscriber, who waits for
    # the claim's batch. The message goes with its subscriber, and the entry with the message.
    message_id: Mapped[int] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    subscriber_id: Mapped[int] = mapped_column(BigInteger, index=True)
    dispatch_id: Mapped[int] = mapped_column(BigInteger, index=True)
    counts_from: Mapped[datetime]
    """Its weekly mail is the first one behind this moment."""
    due_at: Mapped[datetime]
    """When to look at it: may be early, never late. The rule is `Brand.next_digest`."""
    digest_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    revision_id: Mapped[int | None] = mapped_column(BigInteger)
    """The words that the weekly mail leads to."""
    tries: Mapped[int] = mapped_column(default=0)
    """Into how many mails it was put: one that waited may be taken back."""
    reason: Mapped[Reason | None] = mapped_column()
    """Why it stands in none, and never will."""


WAITING = (DigestEntry.digest_id.is_(None), DigestEntry.reason.is_(None))


def enter(session: Session, message_ids: Collection[int], now: datetime) -> None:
    """Call off these messages, which a claim has found in the ledger, and enter them for the weekly mail.

    What was called off otherwise since, or erased, is not entered: only what the first statement changed is.
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
    """What stood in those of these weekly mails that are called off waits again; a tick says what becomes of it."""
    gone = select(Message.id).where(Message.id.in_(mails), Message.state == State.CANCELLED)
    session.execute(
        update(DigestEntry)
        .where(DigestEntry.digest_id.in_(gone), DigestEntry.reason.is_(None))
        .values(digest_id=None, due_at=now)
        .execution_options(synchronize_session=False)
    )


def take_back(session: Session, subscriber_id: int, reason: Reason, now: datetime) -> None:
    """Cancel this person's weekly mail where it is queued and not on the wire; what stands in it waits again."""
    queued = (Message.subscriber_id == subscriber_id, Message.stream == Stream.DIGEST)
    open_ = Message.state.in_((*OPEN, State.CLAIMED))
    ids = session.scalars(select(Message.id).where(*queued, open_).order_by(Message.id).with_for_update()).all()
    if not ids:
        return
    called_off = update(Message).where(Message.id.in_(ids)).values(**cancelled(now, reason))
    session.execute(called_off.execution_options(synchronize_session=False))
    reopen(session, ids, now)


def call_off(session: Session, subscriber_id: int, reason: Reason, *conditions: ColumnElement[bool]) -> None:
    """What waits for this person's weekly mail, or stood in one that is called off, comes in none."""
    gone = select(Message.id).where(Message.id == DigestEntry.digest_id, Message.state == State.CANCELLED)
    open_ = or_(DigestEntry.digest_id.is_(None), gone.correlate(DigestEntry).exists())
    session.execute(
        update(DigestEntry)
        .where(DigestEntry.subscriber_id == subscriber_id, DigestEntry.reason.is_(None), open_, *conditions)
        .values(reason=reason)
        .execution_options(synchronize_session=False)
    )


def look_again(session: Session, now: datetime, *conditions: ColumnElement[bool]) -> None:
    """What was worked out of these may be late by now: let the next tick work it out anew."""
    session.execute(
        update(DigestEntry).where(*WAITING, *conditions).values(due_at=now).execution_options(synchronize_session=False)
    )


def go_on(session: Session, subscriber_id: int, now: datetime) -> None:
    """A pause is over: what waited through it comes with the next weekly mail."""
    session.execute(
        update(DigestEntry)
        .where(*WAITING, DigestEntry.subscriber_id == subscriber_id)
        .values(counts_from=now, due_at=now)
        .execution_options(synchronize_session=False)
    )


def count(session: Session, dispatch_ids: Iterable[int]) -> dict[int, int]:
    """Of how many people it goes into the weekly mail, or stands in it, by dispatch."""
    look = select(DigestEntry.dispatch_id, func.count()).where(DigestEntry.reason.is_(None))
    rows = session.execute(look.where(DigestEntry.dispatch_id.in_(dispatch_ids)).group_by(DigestEntry.dispatch_id))
    return dict(rows.all())


def in_digest() -> ColumnElement[bool]:
    """That a campaign's message stood in a weekly mail that left, or may have."""
    mail = aliased(Message)
    left = mail.state.in_((*ACCEPTED, State.UNCERTAIN))
    stood = select(mail.id).where(DigestEntry.message_id == Message.id, mail.id == DigestEntry.digest_id, left)
    return (Message.reason == Reason.DIGEST) & stood.correlate(Message).exists()


def entries_of(session: Session, subscriber_id: int) -> list[tuple[DigestEntry, Message | None]]:
    """Every entry of a person, and the weekly mail that it stands in."""
    mail = aliased(Message)
    look = select(DigestEntry, mail).outerjoin(mail, mail.id == DigestEntry.digest_id)
    rows = session.execute(look.where(DigestEntry.subscriber_id == subscriber_id).order_by(DigestEntry.message_id))
    return [(entry, found) for entry, found in rows]
