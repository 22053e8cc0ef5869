"""Dispatch: one bulk sending that can be held, let go and called off as a whole, without touching its million rows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, ColumnElement, ForeignKey, Index, String, func, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.articles import Revision
from newsletter.db import Base, Id
from newsletter.mail.outbox.message import Message


class Hold(StrEnum):
    """Whether its messages may be claimed."""

    OPEN = "open"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class LotState(StrEnum):
    """Where a lot stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"
    """Every one of its messages has an outcome, or waits for a second try by itself."""


_UNCOUNTED = text("tally IS NULL")


class Lot(Base):
    """A range of a dispatch's messages that one worker takes as a whole, under one lease.

    `begun_to` is moved on before messages leave: what is not beyond it and has no outcome when a lease runs out may
    have arrived. Each row still tells its own outcome.
    """

    __tablename__ = "lots"
    __table_args__ = (
        Index("ix_lots_state_id", "state", "id"),
        Index("ix_lots_uncounted", "id", postgresql_where=_UNCOUNTED, sqlite_where=_UNCOUNTED),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    dispatch_id: Mapped[int] = mapped_column(ForeignKey("dispatches.id"), index=True)
    first_id: Mapped[int] = mapped_column(BigInteger)
    last_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[LotState] = mapped_column(default=LotState.OPEN)
    claim_token: Mapped[str | None] = mapped_column(String(32), index=True)
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    """When it may be claimed again, after no relay could be reached or a limit was used up."""
    begun_to: Mapped[int] = mapped_column(BigInteger, default=0)
    """The last message id that may have left."""
    kept_back: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    """Messages up to `begun_to` that a limit kept back: they have not left."""
    tally: Mapped[dict[str, int] | None] = mapped_column(JSON(none_as_null=True))
    """How many of its messages are in which state; None while that changes (see `outbox.tally`)."""


def of_dispatch(session: Session, dispatch_id: int) -> tuple[ColumnElement[bool], ...]:
    """The messages of a dispatch, said so that the primary key finds them: they lie in the ranges of its lots.

    An index of their own would be a good part of what it costs to write them. The two ends are looked up and not left
    to a subquery, for then the planner knows nothing of how many rows lie between them.
    """
    ends = select(func.min(Lot.first_id), func.max(Lot.last_id)).where(Lot.dispatch_id == dispatch_id)
    first, last = session.execute(ends).one()
    return Message.dispatch_id == dispatch_id, Message.id.between(first or 0, last or 0)


@dataclass(frozen=True, slots=True)
class LotClaim:
    """A lot in a worker's hands."""

    id: int
    token: str
    dispatch_id: int
    first_id: int
    last_id: int
    revision_id: int | None
    """The words it goes out in: the dispatch's when it was claimed. None: each row says its own."""
    size: int = 0
    """How many rows lie in it, whatever became of them; 0: not known."""


class Dispatch(Base):
    """Its recipients are written in chunks; `filled_to` says how far, so that a worker killed half-way loses nobody."""

    __tablename__ = "dispatches"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revisions.id"))
    occasion: Mapped[str] = mapped_column(String(100), unique=True)
    hold: Mapped[Hold] = mapped_column(default=Hold.OPEN)
    hold_reason: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]
    filled_to: Mapped[int] = mapped_column(default=0)
    """The last subscriber id looked at."""
    fill_until: Mapped[int]
    """The newest subscriber id when it was launched: who comes later is not in it."""
    filled_at: Mapped[datetime | None]

    revision: Mapped[Revision] = relationship()

    def pause(self, reason: str = "") -> None:
        """No message of it is claimed from now on; what is claimed already is given back unless it is on the wire."""
        if self.hold is Hold.OPEN:
            self.hold, self.hold_reason = Hold.PAUSED, reason[:500]

    def resume(self) -> None:
        """Go on."""
        if self.hold is Hold.PAUSED:
            self.hold, self.hold_reason = Hold.OPEN, ""


def pause_open(session: Session, ids: Collection[int], reason: str) -> list[int]:
    """Pause those of these dispatches that are open in this moment; which. One that is called off stays called off."""
    paused = session.scalars(
        update(Dispatch)
        .where(Dispatch.id.in_(ids), Dispatch.hold == Hold.OPEN)
        .values(hold=Hold.PAUSED, hold_reason=reason[:500])
        .returning(Dispatch.id)
        .execution_options(synchronize_session=False)
    )
    return list(paused)
