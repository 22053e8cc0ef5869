"""PasswordReset: an owner asked for a link by which to choose a new password."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.accounts.one_time import Numbers, OneTimeLink
from newsletter.accounts.user import Owner
from newsletter.db import Base

GOOD_FOR = timedelta(minutes=30)
MOST_AT_ONCE = 3
"""Links of one owner that are good at the same time: whoever asks for more in an owner's name sends them no more
mail."""


class PasswordReset(OneTimeLink, Base):
    """One such link. The row goes when it is used, with all others of that owner."""

    __tablename__ = "password_resets"
    __table_args__ = {"sqlite_autoincrement": True}

    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]

    owner: Mapped[Owner] = relationship()

    @classmethod
    def start(cls, session: Session, owner: Owner, now: datetime) -> Numbers | None:
        """A new link for this owner; None: they have enough that are still good."""
        good = select(func.count(cls.id)).where(cls.owner_id == owner.id, cls.created_at > now - GOOD_FOR)
        if (session.scalar(good) or 0) >= MOST_AT_ONCE:
            return None
        made = cls(owner_id=owner.id, created_at=now)
        random = made.fresh()
        session.add(made)
        session.flush()
        return made.id, *random

    @classmethod
    def of(cls, session: Session, numbers: tuple[int, ...], now: datetime) -> "PasswordReset | None":
        """The reset that a link is for; None: it was used, its time is over, or it never was."""
        found = cls.found(session, numbers)
        return found if found is not None and now - found.created_at <= GOOD_FOR else None


def forget_resets(session: Session, owner_id: int) -> None:
    """No link of this owner is good any more."""
    session.execute(delete(PasswordReset).where(PasswordReset.owner_id == owner_id))


def sweep(session: Session, now: datetime) -> None:
    """Delete those whose time is over."""
    session.execute(delete(PasswordReset).where(PasswordReset.created_at < now - GOOD_FOR))
