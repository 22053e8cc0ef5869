"""LoginChange: somebody of the team wants to sign in with another address; it waits for a press in the mail there.

Whoever asks has typed the password, so the mail to the earlier address can call it off, and take it back for a day when
it is done: it may have been somebody who knows the password and is not its owner.
"""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.accounts.one_time import OneTimeLink
from newsletter.accounts.user import Owner
from newsletter.db import Base

PRESS_WITHIN = timedelta(hours=24)
TAKE_BACK_WITHIN = timedelta(hours=24)
"""After it was done."""
MOST_A_DAY = 5
"""Of one person: each mails an address that they typed."""


class LoginChange(OneTimeLink, Base):
    """One wish for another address. Both its links, to press and to take it back, hold the same bits."""

    __tablename__ = "login_changes"
    __table_args__ = {"sqlite_autoincrement": True}

    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(254))
    """The address to come."""
    earlier: Mapped[str] = mapped_column(String(254))
    """The one that they had when they asked."""
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None] = mapped_column()
    ended_at: Mapped[datetime | None] = mapped_column()
    """Called off, taken back, or over: another was asked for, the password changed, or they left the team."""

    owner: Mapped[Owner] = relationship()

    def waits(self, now: datetime) -> bool:
        """Whether a press at the new address still does it."""
        return self.done_at is None and self.ended_at is None and now <= self.asked_at + PRESS_WITHIN

    def opens(self, now: datetime) -> bool:
        """Whether the link at the new address has something to show: also where it was pressed already."""
        return self.waits(now) or self.is_done()

    def is_done(self) -> bool:
        """Whether it was done, and not taken back since."""
        return self.done_at is not None and self.ended_at is None

    def can_be_called_off(self, now: datetime) -> bool:
        """Whether a press at the earlier address still stops it, or takes it back."""
        if self.done_at is None:
            return self.waits(now)
        return self.ended_at is None and now <= self.done_at + TAKE_BACK_WITHIN


def asked_lately(session: Session, owner_id: int, now: datetime) -> int:
    """How often somebody asked within a day."""
    look = select(func.count(LoginChange.id)).where(LoginChange.owner_id == owner_id)
    return session.scalar(look.where(LoginChange.asked_at > now - PRESS_WITHIN)) or 0


def waiting(session: Session, owner_id: int, now: datetime) -> LoginChange | None:
    """The one that waits for a press."""
    look = select(LoginChange).where(LoginChange.owner_id == owner_id).order_by(LoginChange.id.desc()).limit(1)
    newest = session.scalars(look).first()
    return newest if newest is not None and newest.waits(now) else None


def end_waiting(session: Session, owner_id: int, now: datetime) -> None:
    """No link of somebody's to another address is good any more; what is done can be taken back still."""
    theirs = (LoginChange.owner_id == owner_id, LoginChange.done_at.is_(None), LoginChange.ended_at.is_(None))
    session.execute(update(LoginChange).where(*theirs).values(ended_at=now))


def end_every(session: Session, owner_id: int, now: datetime) -> None:
    """Neither that, nor can any be taken back."""
    theirs = (LoginChange.owner_id == owner_id, LoginChange.ended_at.is_(None))
    session.execute(update(LoginChange).where(*theirs).values(ended_at=now))


def sweep(session: Session, now: datetime) -> None:
    """Delete those whose links do nothing any more."""
    asked_long_ago = LoginChange.asked_at < now - PRESS_WITHIN
    cannot_be_taken_back = or_(LoginChange.done_at.is_(None), LoginChange.done_at < now - TAKE_BACK_WITHIN)
    session.execute(delete(LoginChange).where(asked_long_ago, cannot_be_taken_back))
