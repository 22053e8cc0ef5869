"""Invitation: somebody is asked into the team, and chooses a password by a link in a mail."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ForeignKey, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.accounts.permissions import Role
from newsletter.accounts.user import Owner
from newsletter.db import Base, Id, one_of

GOOD_FOR = timedelta(days=7)
KEPT_FOR = timedelta(days=30)
"""After the mail. One that ran out is shown, and can be sent again."""
InvitationNumbers = tuple[int, int, int]
"""The row, and 128 random bits. A link holds them signed."""


class Invitation(Base):
    """One invitation. The row goes when it is used or withdrawn."""

    __tablename__ = "invitations"
    __table_args__ = (one_of("role", Role), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    role: Mapped[Role] = mapped_column()
    token_hash: Mapped[str] = mapped_column(String(64))
    sent_at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("owners.id"))

    by: Mapped[Owner] = relationship()

    def renew(self, now: datetime) -> tuple[int, int]:
        """A new link; the one before is good for nothing. Its random bits."""
        random = (secrets.randbits(64), secrets.randbits(64))
        self.token_hash, self.sent_at = _hashed(random), now
        return random

    def is_good(self, now: datetime) -> bool:
        """Whether its link still opens something."""
        return now - self.sent_at <= GOOD_FOR

    @classmethod
    def of(cls, session: Session, numbers: tuple[int, ...], now: datetime) -> "Invitation | None":
        """The invitation that a link is for; None: it was used or withdrawn, its time is over, or it never was."""
        if len(numbers) != 3 or numbers[0] >= 2**63:
            return None
        found = session.get(cls, numbers[0], with_for_update=True)
        if found is None or not found.is_good(now):
            return None
        genuine = secrets.compare_digest(found.token_hash, _hashed((numbers[1], numbers[2])))
        return found if genuine else None


def sweep(session: Session, now: datetime) -> None:
    """Delete those that nobody has followed for long."""
    session.execute(delete(Invitation).where(Invitation.sent_at < now - KEPT_FOR))


def _hashed(random: tuple[int, int]) -> str:
    return sha256(b"%016x%016x" % random).hexdigest()
