"""Dispatch: one bulk sending, paused, resumed and cancelled as a whole without touching its million rows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.articles import Revision
from newsletter.db import Base, Id
from newsletter.mail.ledger.message import Message


class Hold(StrEnum):
    """Whether its messages may be claimed."""

    OPEN = "open"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class BatchState(StrEnum):
    """The state of a batch."""

    WAITING = "waiting"
    """Its readers' hour has not come (`opens_at`). A separate state, so that claims skip it."""
    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"
    """Every message has an outcome, or waits by itself for another try."""


_UNCOUNTED = text("counts IS NULL")
_HAS_TO_WAIT, _MAY_GO = text("state = 'waiting'"), text("state = 'open'")


class Batch(Base):
    """A range of a dispatch's messages that one worker claims as a whole, under one lease.

    `sending_to` advances before messages leave. When a lease runs out, a message up to there without an outcome may
    have arrived. Each row records its own outcome.
    """

    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_state_id", "state", "id"),
        # Waiting batches may all lie before the open ones; a planner that assumes a mix would read them all.
        Index("ix_batches_open", "id", postgresql_where=_MAY_GO, sqlite_where=_MAY_GO),
        Index("ix_batches_uncounted", "id", postgresql_where=_UNCOUNTED, sqlite_where=_UNCOUNTED),
        Index(
            # `state` first, though constant here: otherwise SQLite prefers ix_batches_state_id.
            "ix_batches_waiting", "state", "opens_at", "dispatch_id",
            postgresql_where=_HAS_TO_WAIT, sqlite_where=_HAS_TO_WAIT,
        ),
        CheckConstraint("state != 'waiting' OR opens_at IS NOT NULL", name="waits_for_something"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    dispatch_id: Mapped[int] = mapped_column(ForeignKey("dispatches.id"), index=True)
    first_id: Mapped[int] = mapped_column(BigInteger)
    last_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[BatchState] = mapped_column(default=BatchState.OPEN)
    claim_token: Mapped[str | None] = mapped_column(String(32), index=True)
    lease_until: Mapped[datetime | None] = mapped_column()
    not_before: Mapped[datetime | None] = mapped_column()
    """When it may be claimed again, after no relay could be reached or a budget was used up."""
    opens_at: Mapped[datetime | None] = mapped_column()
    """In a campaign at everyone's own time: when that time comes for all its readers. Kept afterwards."""
    sending_to: Mapped[int] = mapped_column(BigInteger, default=0)
    """The last message id that may have left."""
    skipped: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    """Messages up to `sending_to` that a throttle rule held back, so they have not left."""
    counts: Mapped[dict[str, int] | None] = mapped_column(JSON(none_as_null=True))
    """Its messages by state; None while they change (see `ledger.counts`)."""


# Literals, not parameters: otherwise SQLite cannot see that the partial indexes apply.
IS_OPEN: ColumnElement[bool] = Batch.state == literal_column(f"'{BatchState.OPEN.value}'", Batch.state.type)
IS_WAITING: ColumnElement[bool] = Batch.state == literal_column(f"'{BatchState.WAITING.value}'", Batch.state.type)


def of_dispatch(session: Session, dispatch_id: int) -> tuple[ColumnElement[bool], ...]:
    """The condition for a dispatch's messages, with the range of its batches, so the primary key finds them.

    An index on the dispatch would make writing messages much dearer. The two ends are looked up first: with a
    subquery the planner could not estimate how many rows lie between them.
    """
    ends = select(func.min(Batch.first_id), func.max(Batch.last_id)).where(Batch.dispatch_id == dispatch_id)
    first, last = session.execute(ends).one()
    return Message.dispatch_id == dispatch_id, Message.id.between(first or 0, last or 0)


@dataclass(frozen=True, slots=True)
class BatchRange:
    """The range of messages that a claim holds, with the claim's token."""

    id: int
    token: str
    dispatch_id: int
    first_id: int
    last_id: int
    revision_id: int | None
    """The dispatch's revision when the batch was claimed. None: each row has its own."""
    size: int = 0
    """How many rows are in it, in any state; 0: not known."""
    topic_id: int | None = None
    """The topic of its dispatch."""


class Dispatch(Base):
    """One bulk sending. Recipients are written in chunks up to `filled_to`, so a worker killed halfway loses none."""

    __tablename__ = "dispatches"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topics.id"))
    """The topic of its article at launch: it goes only to readers who take that topic."""
    idempotency_key: Mapped[str] = mapped_column(String(100), unique=True)
    hold: Mapped[Hold] = mapped_column(default=Hold.OPEN)
    hold_reason: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]
    filled_to: Mapped[int] = mapped_column(default=0)
    """The last subscriber id considered."""
    fill_until: Mapped[int]
    """The newest subscriber id at launch: later subscribers are not in it."""
    filled_at: Mapped[datetime | None] = mapped_column()

    revision: Mapped[Revision] = relationship()

    def pause(self, reason: str = "") -> None:
        """Pause it: no more is claimed, and what is claimed is released unless on the wire."""
        if self.hold is Hold.OPEN:
            self.hold, self.hold_reason = Hold.PAUSED, reason[:500]

    def resume(self) -> None:
        """Resume a paused dispatch."""
        if self.hold is Hold.PAUSED:
            self.hold, self.hold_reason = Hold.OPEN, ""


def pause_open(session: Session, ids: Collection[int], reason: str) -> list[int]:
    """Pause those of these dispatches that are open, and return their ids. A cancelled one stays cancelled."""
    paused = session.scalars(
        update(Dispatch)
        .where(Dispatch.id.in_(ids), Dispatch.hold == Hold.OPEN)
        .values(hold=Hold.PAUSED, hold_reason=reason[:500])
        .returning(Dispatch.id)
        .execution_options(synchronize_session=False)
    )
    return list(paused)
