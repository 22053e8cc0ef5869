"""Installation: the row that records where its database lives, and the send lock.

A restored or copied database does not know what was sent since: it would send campaigns twice, and to people who have
left. So sending is locked until the owner has reviewed what is queued (DESIGN.md section 8.6).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id
from newsletter.installation.home import Home


class LockReason(StrEnum):
    """Why sending is locked."""

    RESTORED = "restored"
    """`newsletter restore` replaced the data with a backup."""
    COPIED = "copied"
    """The data folder or database is a copy."""
    SWAPPED = "swapped"
    """The database was replaced by another state, but not the data folder."""


class Installation(Base):
    """The single row, created by a migration."""

    __tablename__ = "installation"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("lock_reason IN ('restored', 'copied', 'swapped')", name="lock_reason"),
        CheckConstraint("(locked_at IS NULL) = (lock_reason IS NULL)", name="locked_for_a_reason"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    home: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """`Home.facts` at the last start; None before the first."""
    witness: Mapped[str] = mapped_column(String(32), default="")
    """A random word, changed every minute here and in a file: an older database has an older word."""
    witnessed_at: Mapped[datetime | None] = mapped_column()
    locked_at: Mapped[datetime | None] = mapped_column()
    locked_above: Mapped[int] = mapped_column(BigInteger, default=0)
    """Highest message id when locked; newer messages may be sent. An id, because a clock may go back."""
    lock_reason: Mapped[LockReason | None] = mapped_column()
    stands_at: Mapped[datetime | None] = mapped_column()
    """When a locked database's snapshot was taken, if known."""

    @property
    def is_locked(self) -> bool:
        """Whether sending is locked."""
        return self.locked_at is not None

    def lock(self, reason: LockReason, newest_message: int, stands_at: datetime | None, now: datetime) -> None:
        """Lock bulk mail and everything already queued. Does nothing if locked already."""
        if not self.is_locked:
            self.locked_at, self.lock_reason = now, reason
            self.locked_above, self.stands_at = newest_message, stands_at

    def unlock(self) -> None:
        """Lift the lock, after the owner has decided."""
        self.locked_at = self.lock_reason = self.stands_at = None
        self.locked_above = 0

    def settle(self, home: Home, kept_witnesses: tuple[str, ...]) -> LockReason | None:
        """Record the current home at a start; returns why it must be locked, or None."""
        reason = self._mismatch(home, kept_witnesses)
        self.home = home.facts
        return reason

    def _mismatch(self, home: Home, kept_witnesses: tuple[str, ...]) -> LockReason | None:
        if self.home is None:
            # A database that is new or older than this feature; the latter if the folder already has a witness.
            return LockReason.SWAPPED if kept_witnesses else None
        if not home.is_same_as(self.home):
            return LockReason.COPIED
        if home.has_witness and self.witness not in kept_witnesses:
            return LockReason.SWAPPED
        return None


def current(session: Session) -> Installation:
    """The single row."""
    return session.get_one(Installation, 1)


def sends_above(session: Session) -> int | None:
    """None if sending is not locked; else only messages with a greater id, requested since, may be claimed."""
    locked = select(Installation.locked_above).where(Installation.id == 1, Installation.locked_at.is_not(None))
    return session.scalar(locked)
