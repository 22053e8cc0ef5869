"""PasswordReset: an owner asked for a link by which to choose a new password."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ForeignKey, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.accounts.user import Owner
from newsletter.db import Base, Id

GOOD_FOR = timedelta(minutes=30)
MOST_AT_ONCE = 3
"""Links of one owner that are good at the same time: whoever asks for more in an owner's name sends them no more
mail."""
ResetNumbers = tuple[int, int, int]
"""The row, and 128 random bits. A link holds them signed: to make one takes these bits and the product's key."""


class PasswordReset(Base):
    """One such link. The row goes when it is used, with all others of that owner."""

    __tablename__ = "password_resets"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]

    owner: Mapped[Owner] = relationship()

    @classmethod
    def start(cls, session: Session, owner: Owner, now: datetime) -> ResetNumbers | None:
        """A new link for this owner; None: they have enough that are still good."""
        good = select(func.count(cls.id)).where(cls.owner_id == owner.id, cls.created_at > now - GOOD_FOR)
        if (session.scalar(good) or 0) >= MOST_AT_ONCE:
            return None
        random = (secrets.randbits(64), secrets.randbits(64))
        made = cls(owner_id=owner.id, token_hash=_hashed(random), created_at=now)
        session.add(made)
        session.flush()
        return made.id, *random

    @classmethod
    def of(cls, session: Session, numbers: tuple[int, ...], now: datetime) -> "PasswordReset | None":
        """The reset that a link is for; None: it was used, its time is over, or it never was."""
        if len(numbers) != 3 or numbers[0] >= 2**63:
            return None
        found = session.get(cls, numbers[0], with_for_update=True)
        if found is None or now - found.created_at > GOOD_FOR:
            return None
        genuine = secrets.compare_digest(found.token_hash, _hashed((numbers[1], numbers[2])))
        return found if genuine else None


def forget_resets(session: Session, owner_id: int) -> None:
    """No link of this owner is good any more."""
    session.execute(delete(PasswordReset).where(PasswordReset.owner_id == owner_id))


def sweep(session: Session, now: datetime) -> None:
    """Delete those whose time is over."""
    session.execute(delete(PasswordReset).where(PasswordReset.created_at < now - GOOD_FOR))


def _hashed(random: tuple[int, int]) -> str:
    return sha256(b"%016x%016x" % random).hexdigest()
