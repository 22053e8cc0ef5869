"""Invitation: somebody is invited to the team and chooses a password through an e-mailed link."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.accounts.one_time import OneTimeLink
from newsletter.accounts.permissions import Role
from newsletter.accounts.user import Owner
from newsletter.db import Base, one_of

GOOD_FOR = timedelta(days=7)
KEPT_FOR = timedelta(days=30)
"""After the mail. An expired invitation stays listed, and can be sent again."""


class Invitation(OneTimeLink, Base):
    """One invitation. The row is deleted when it is used or withdrawn."""

    __tablename__ = "invitations"
    __table_args__ = (one_of("role", Role), {"sqlite_autoincrement": True})

    email: Mapped[str] = mapped_column(String(254), unique=True)
    role: Mapped[Role] = mapped_column()
    sent_at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("owners.id"))

    by: Mapped[Owner] = relationship()

    def renew(self, now: datetime) -> tuple[int, int]:
        """Invalidate the previous link; returns the random bits for a new one."""
        self.sent_at = now
        return self.fresh()

    def is_good(self, now: datetime) -> bool:
        """Whether its link is still valid."""
        return now - self.sent_at <= GOOD_FOR

    @classmethod
    def of(cls, session: Session, numbers: tuple[int, ...], now: datetime) -> "Invitation | None":
        """The invitation a link belongs to; None if it was used, withdrawn, expired or never existed."""
        found = cls.found(session, numbers)
        return found if found is not None and found.is_good(now) else None


def sweep(session: Session, now: datetime) -> None:
    """Delete invitations older than `KEPT_FOR`."""
    session.execute(delete(Invitation).where(Invitation.sent_at < now - KEPT_FOR))
