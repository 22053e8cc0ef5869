"""Message: one mail to one person for one purpose, with its outcome. Attempt: one try that did not end in `sent`."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from newsletter.accounts import Owner
from newsletter.articles import Revision
from newsletter.db import Base, Id
from newsletter.mail.ledger.reasons import REASON_CHECK, Reason
from newsletter.subscribers import Stream, Subscriber


class State(StrEnum):
    """Where a message stands."""

    READY = "ready"
    CLAIMED = "claimed"
    """A worker holds it under a lease; nothing has left yet."""
    SENDING = "sending"
    """A worker is about to put it on the wire, or already has: from here on it is never simply requeued."""
    SENT = "sent"
    """The server accepted it."""
    DEFERRED = "deferred"
    """It is tried again at `due_at`."""
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """The server may or may not have it: the connection was lost after the final dot."""
    CANCELLED = "cancelled"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


OPEN = (State.READY, State.DEFERRED)
"""States that may be claimed."""
UNDER_WAY = (State.READY, State.CLAIMED, State.SENDING, State.DEFERRED)
"""Still to be sent."""
ACCEPTED = (State.SENT, State.DELIVERED, State.BOUNCED, State.COMPLAINED)
"""A server accepted it."""
TROUBLED = (State.DEFERRED, State.FAILED, State.UNCERTAIN)


class Lane(StrEnum):
    """Which workers send it: what a person waits for never queues behind a campaign."""

    TRANSACTIONAL = "transactional"
    BULK = "bulk"

    @classmethod
    def of(cls, stream: Stream) -> "Lane":
        """The lane of a stream."""
        return cls.BULK if stream.is_bulk else cls.TRANSACTIONAL


_WAITS = text("due_at IS NOT NULL")
_HELD = text("lease_until IS NOT NULL")
_OWN = text("owner_id IS NOT NULL")
_TROUBLE = text("troubled_at IS NOT NULL")


class Message(Base):
    """One row for each person and idempotency key; the database refuses a second one."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("subscriber_id", "idempotency_key"),
        Index(
            "uq_messages_owner", "owner_id", "idempotency_key", unique=True, postgresql_where=_OWN, sqlite_where=_OWN
        ),
        CheckConstraint("(subscriber_id IS NULL) != (owner_id IS NULL)", name="one_recipient"),
        CheckConstraint(REASON_CHECK, name="reason"),
        # No index covers `state`, so PostgreSQL updates a campaign's rows in place (HOT); moving them is most of the
        # cost of recording an outcome. `due_at` finds messages that wait by themselves, `lease_until` claimed ones.
        Index("ix_messages_due", "lane", "due_at", postgresql_where=_WAITS, sqlite_where=_WAITS),
        Index("ix_messages_lease", "lease_until", postgresql_where=_HELD, sqlite_where=_HELD),
        # No index by dispatch: its batches know the ranges of its messages (`dispatch.of_dispatch`).
        Index("ix_messages_trouble", "troubled_at", "id", postgresql_where=_TROUBLE, sqlite_where=_TROUBLE),
        # One transaction writes outcomes to all rows of a page, so each page needs room for a second, longer version
        # of each row. At a fill factor of 70 two thirds of them moved, and every index entry with them.
        {"sqlite_autoincrement": True, "postgresql_with": {"fillfactor": 40}},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    # No foreign keys to subscriber, revision and dispatch: checking them row by row was two thirds of the cost of
    # writing a million rows. A trigger deletes messages with their subscriber; the other two are never deleted
    # (migration 0003, docs/decisions).
    subscriber_id: Mapped[int | None] = mapped_column(Id)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id"))
    stream: Mapped[Stream]
    idempotency_key: Mapped[str] = mapped_column(String(100))
    lane: Mapped[Lane]
    state: Mapped[State] = mapped_column(default=State.READY)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column()
    """When it may be claimed by itself. None: it goes with its batch (see `Batch`), or has an outcome."""
    claim_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column()
    attempts: Mapped[int] = mapped_column(default=0)
    settled_at: Mapped[datetime | None] = mapped_column()
    """When it reached its final state; for a sent message, when the server accepted it."""
    troubled_at: Mapped[datetime | None] = mapped_column()
    """When it became deferred, failed or uncertain, while it is, or was reported bounced; an index finds these few."""
    reply_code: Mapped[int | None] = mapped_column()
    enhanced: Mapped[str | None] = mapped_column(String(12))
    """The enhanced status code of the last refusal (RFC 3463), "5.1.1"."""
    reply: Mapped[str | None] = mapped_column(String(500))
    """The server's last reply; with some `reason`s, the detail."""
    reason: Mapped[Reason | None] = mapped_column()
    """Why it is in its state, where we put it there ourselves."""
    relay: Mapped[str | None] = mapped_column(String(120))
    reviewed_at: Mapped[datetime | None] = mapped_column()
    """When the owner reviewed a failed or uncertain message and left it as it is."""
    revision_id: Mapped[int | None] = mapped_column(Id)
    dispatch_id: Mapped[int | None] = mapped_column(Id)
    context: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What a transactional mail's templates need, as it was when the mail was queued."""

    subscriber: Mapped[Subscriber | None] = relationship(
        primaryjoin=lambda: foreign(Message.subscriber_id) == Subscriber.id
    )
    owner: Mapped[Owner | None] = relationship()
    revision: Mapped[Revision | None] = relationship(primaryjoin=lambda: foreign(Message.revision_id) == Revision.id)
    tries: Mapped[list["Attempt"]] = relationship(order_by="Attempt.id", cascade="all, delete-orphan")

    @property
    def is_troubled(self) -> bool:
        """Whether it failed or is uncertain, so that the owner may decide about it."""
        return self.state in (State.FAILED, State.UNCERTAIN)

    def leave(self, now: datetime) -> None:
        """Record that the owner reviewed it and leaves it as it is."""
        self.reviewed_at = now


def cancelled(now: datetime, reason: Reason) -> dict[str, Any]:
    """The column values of a cancelled message."""
    return {
        "state": State.CANCELLED, "settled_at": now, "reason": reason, "reply": None,
        "claim_token": None, "lease_until": None, "due_at": None, "troubled_at": None,
    }  # fmt: skip


class Attempt(Base):
    """One try that did not end in `sent`, with the server's reply."""

    __tablename__ = "attempts"
    __table_args__ = (CheckConstraint(REASON_CHECK, name="reason"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    state: Mapped[State]
    """What the message became."""
    relay: Mapped[str] = mapped_column(String(120))
    code: Mapped[int]
    enhanced: Mapped[str] = mapped_column(String(12), default="")
    reply: Mapped[str] = mapped_column(String(500))
    reason: Mapped[Reason | None] = mapped_column()
