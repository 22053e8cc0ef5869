"""LoginChange: a team member's request to sign in with another address, pending until confirmed by mail there.

Asking takes the password, which somebody else may know: the mail to the earlier address can therefore cancel the
change, and revert it for a day after it is done.
"""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.accounts.one_time import OneTimeLink
from newsletter.accounts.user import Owner
from newsletter.db import Base

PRESS_WITHIN = timedelta(hours=24)
TAKE_BACK_WITHIN = timedelta(hours=24)
"""After the change took effect."""
MOST_A_DAY = 5
"""Requests per person: each one mails an address that they typed."""


class LoginChange(OneTimeLink, Base):
    """One requested change. Its two links, to confirm and to revert, carry the same random bits."""

    __tablename__ = "login_changes"
    __table_args__ = {"sqlite_autoincrement": True}

    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(254))
    """The new address."""
    earlier: Mapped[str] = mapped_column(String(254))
    """The address at the time of the request."""
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None] = mapped_column()
    ended_at: Mapped[datetime | None] = mapped_column()
    """Cancelled, reverted or superseded: by another request, a changed password, or leaving the team."""

    owner: Mapped[Owner] = relationship()

    def waits(self, now: datetime) -> bool:
        """Whether it can still be confirmed from the new address."""
        return self.done_at is None and self.ended_at is None and now <= self.asked_at + PRESS_WITHIN

    def opens(self, now: datetime) -> bool:
        """Whether the confirmation link still leads to a page; it also does once the change is done."""
        return self.waits(now) or self.is_done()

    def is_done(self) -> bool:
        """Whether it took effect and was not reverted."""
        return self.done_at is not None and self.ended_at is None

    def can_be_called_off(self, now: datetime) -> bool:
        """Whether the earlier address can still cancel or revert it."""
        if self.done_at is None:
            return self.waits(now)
        return self.ended_at is None and now <= self.done_at + TAKE_BACK_WITHIN


def asked_lately(session: Session, owner_id: int, now: datetime) -> int:
    """How many changes somebody asked for in the last day."""
    look = select(func.count(LoginChange.id)).where(LoginChange.owner_id == owner_id)
    return session.scalar(look.where(LoginChange.asked_at > now - PRESS_WITHIN)) or 0


def waiting(session: Session, owner_id: int, now: datetime) -> LoginChange | None:
    """Their pending change, or None."""
    look = select(LoginChange).where(LoginChange.owner_id == owner_id).order_by(LoginChange.id.desc()).limit(1)
    newest = session.scalars(look).first()
    return newest if newest is not None and newest.waits(now) else None


def end_waiting(session: Session, owner_id: int, now: datetime) -> None:
    """End somebody's pending changes; one that took effect can still be reverted."""
    theirs = (LoginChange.owner_id == owner_id, LoginChange.done_at.is_(None), LoginChange.ended_at.is_(None))
    session.execute(update(LoginChange).where(*theirs).values(ended_at=now))


def end_every(session: Session, owner_id: int, now: datetime) -> None:
    """End all of somebody's changes; those that took effect can no longer be reverted either."""
    theirs = (LoginChange.owner_id == owner_id, LoginChange.ended_at.is_(None))
    session.execute(update(LoginChange).where(*theirs).values(ended_at=now))


def sweep(session: Session, now: datetime) -> None:
    """Delete changes that can be neither confirmed nor reverted."""
    asked_long_ago = LoginChange.asked_at < now - PRESS_WITHIN
    cannot_be_taken_back = or_(LoginChange.done_at.is_(None), LoginChange.done_at < now - TAKE_BACK_WITHIN)
    session.execute(delete(LoginChange).where(asked_long_ago, cannot_be_taken_back))
