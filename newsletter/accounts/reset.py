"""PasswordReset: a requested link for choosing a new password."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.accounts.one_time import Numbers, OneTimeLink
from newsletter.accounts.user import Owner
from newsletter.db import Base

GOOD_FOR = timedelta(minutes=30)
MOST_AT_ONCE = 3
"""Valid links per owner. Further requests send no mail, so that a stranger cannot flood an owner's inbox."""


class PasswordReset(OneTimeLink, Base):
    """One link. Using it deletes the row and the owner's other links."""

    __tablename__ = "password_resets"
    __table_args__ = {"sqlite_autoincrement": True}

    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]

    owner: Mapped[Owner] = relationship()

    @classmethod
    def start(cls, session: Session, owner: Owner, now: datetime) -> Numbers | None:
        """The numbers of a new link, or None if the owner already has `MOST_AT_ONCE` valid ones."""
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
        """The reset a link belongs to; None if it was used, expired or never existed."""
        found = cls.found(session, numbers)
        return found if found is not None and now - found.created_at <= GOOD_FOR else None


def forget_resets(session: Session, owner_id: int) -> None:
    """Invalidate all links of this owner."""
    session.execute(delete(PasswordReset).where(PasswordReset.owner_id == owner_id))


def sweep(session: Session, now: datetime) -> None:
    """Delete expired links."""
    session.execute(delete(PasswordReset).where(PasswordReset.created_at < now - GOOD_FOR))
