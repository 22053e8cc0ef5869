"""Installation: one row that knows where its database lives, and the send lock.

A database that was restored or copied knows nothing of what went out since: campaigns would go twice, also to people
who have left meanwhile. So it is locked until its owner has seen what would go (DESIGN.md section 8.6).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id
from newsletter.installation.home import Home


class LockReason(StrEnum):
    """Why nothing goes by itself."""

    RESTORED = "restored"
    """`newsletter restore` put a backup in its place."""
    COPIED = "copied"
    """The data folder, or the database, was copied from somewhere else."""
    SWAPPED = "swapped"
    """Another state of the database was put beside this data folder's files."""


class Installation(Base):
    """One row, made by its migration."""

    __tablename__ = "installation"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("lock_reason IN ('restored', 'copied', 'swapped')", name="lock_reason"),
        CheckConstraint("(locked_at IS NULL) = (lock_reason IS NULL)", name="locked_for_a_reason"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    home: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Where it was when it was last started (see `Home`); None before the first start."""
    witness: Mapped[str] = mapped_column(String(32), default="")
    """A word that is changed every minute, here and in a file beside: an older database knows an older one."""
    witnessed_at: Mapped[datetime | None] = mapped_column()
    locked_at: Mapped[datetime | None] = mapped_column()
    locked_above: Mapped[int] = mapped_column(BigInteger, default=0)
    """The newest message when it was locked: what was asked for later goes (counted, for a clock may go back)."""
    lock_reason: Mapped[LockReason | None] = mapped_column()
    stands_at: Mapped[datetime | None] = mapped_column()
    """The moment whose state a locked database holds, where that is known."""

    @property
    def is_locked(self) -> bool:
        """Whether nothing goes by itself."""
        return self.locked_at is not None

    def lock(self, reason: LockReason, newest_message: int, stands_at: datetime | None, now: datetime) -> None:
        """Send nothing that is queued by now, and no bulk mail. A second reason changes nothing."""
        if not self.is_locked:
            self.locked_at, self.lock_reason = now, reason
            self.locked_above, self.stands_at = newest_message, stands_at

    def unlock(self) -> None:
        """The owner has decided."""
        self.locked_at = self.lock_reason = self.stands_at = None
        self.locked_above = 0

    def settle(self, home: Home, kept_witnesses: tuple[str, ...]) -> LockReason | None:
        """At a start: live here from now on; why this is not where it lived before, if it is not."""
        reason = self._strange(home, kept_witnesses)
        self.home = home.facts
        return reason

    def _strange(self, home: Home, kept_witnesses: tuple[str, ...]) -> LockReason | None:
        if self.home is None:
            # New, or older than these words; but where the folder knows a witness, it is the database that is older.
            return LockReason.SWAPPED if kept_witnesses else None
        if not home.is_same_as(self.home):
            return LockReason.COPIED
        if home.has_witness and self.witness not in kept_witnesses:
            return LockReason.SWAPPED
        return None


def current(session: Session) -> Installation:
    """The one row."""
    return session.get_one(Installation, 1)


def sends_above(session: Session) -> int | None:
    """None: everything may be claimed. A number: the send lock holds, and only what people have asked for since may go,
    which are messages above it. One look at one row."""
    locked = select(Installation.locked_above).where(Installation.id == 1, Installation.locked_at.is_not(None))
    return session.scalar(locked)
