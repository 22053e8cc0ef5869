"""Message: one mail to one person for one occasion, with its outcome. Attempt: one try that did not end in `sent`."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.articles import Revision
from newsletter.db import Base, Id
from newsletter.owners import Owner
from newsletter.subscribers import Stream, Subscriber


class State(StrEnum):
    """Where a message stands."""

    READY = "ready"
    CLAIMED = "claimed"
    """A worker holds it under a lease; nothing has left yet."""
    HANDED_OVER = "handed-over"
    """A worker is about to put it on the wire, or has: from here it is never simply sent again."""
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
"""May be claimed."""


class Lane(StrEnum):
    """Which workers take it: what a person waits for never stands behind a campaign."""

    TRANSACTIONAL = "transactional"
    BULK = "bulk"

    @classmethod
    def of(cls, stream: Stream) -> "Lane":
        """The lane a stream travels in."""
        return cls.BULK if stream.is_bulk else cls.TRANSACTIONAL


class Message(Base):
    """One row for each person and occasion; the database refuses the second."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("subscriber_id", "occasion"),
        UniqueConstraint("owner_id", "occasion"),
        CheckConstraint("(subscriber_id IS NULL) != (owner_id IS NULL)", name="one_recipient"),
        Index(
            "ix_messages_open",
            "lane",
            "id",
            postgresql_where=text("state IN ('ready', 'deferred')"),
            sqlite_where=text("state IN ('ready', 'deferred')"),
        ),
        Index(
            "ix_messages_held",
            "lease_until",
            postgresql_where=text("state IN ('claimed', 'handed-over')"),
            sqlite_where=text("state IN ('claimed', 'handed-over')"),
        ),
        Index("ix_messages_dispatch_id_state", "dispatch_id", "state"),
        Index(
            "ix_messages_troubled",
            "state",
            "id",
            postgresql_where=text("state IN ('deferred', 'failed', 'uncertain')"),
            sqlite_where=text("state IN ('deferred', 'failed', 'uncertain')"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id"))
    stream: Mapped[Stream]
    occasion: Mapped[str] = mapped_column(String(100))
    lane: Mapped[Lane]
    state: Mapped[State] = mapped_column(default=State.READY)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    claim_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    settled_at: Mapped[datetime | None]
    """When it reached the state that it will stay in; of a sent one: when the server accepted it."""
    reply_code: Mapped[int | None]
    reply: Mapped[str | None] = mapped_column(String(500))
    """The server's last words, or ours where no server spoke."""
    relay: Mapped[str | None] = mapped_column(String(120))
    reviewed_at: Mapped[datetime | None]
    """When the owner looked at a failed or uncertain one and left it as it is."""
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("revisions.id"))
    dispatch_id: Mapped[int | None] = mapped_column(ForeignKey("dispatches.id"))
    context: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What the templates of a transactional mail need to know, as it was when the mail was queued."""

    subscriber: Mapped[Subscriber | None] = relationship()
    owner: Mapped[Owner | None] = relationship()
    revision: Mapped[Revision | None] = relationship()
    tries: Mapped[list["Attempt"]] = relationship(order_by="Attempt.id", cascade="all, delete-orphan")

    @property
    def is_troubled(self) -> bool:
        """It ended without being sent for certain, and the owner may decide about it."""
        return self.state in (State.FAILED, State.UNCERTAIN)

    def leave(self, now: datetime) -> None:
        """The owner has seen that it failed, or that nobody knows, and lets it rest."""
        self.reviewed_at = now


class Attempt(Base):
    """One try that did not end in `sent`, with the server's own words."""

    __tablename__ = "attempts"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    state: Mapped[State]
    """What the message became through it."""
    relay: Mapped[str] = mapped_column(String(120))
    code: Mapped[int]
    reply: Mapped[str] = mapped_column(String(500))
