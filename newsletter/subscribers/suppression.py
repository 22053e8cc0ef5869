"""Addresses that must not be written to, kept as a keyed hash so that an erased person leaves no address behind."""

import hmac
from datetime import datetime
from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id


class SuppressionReason(StrEnum):
    """Why. Only the person's own new sign-up lifts `erased`; the others the owner lifts."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    OWNER = "owner"


class Suppression(Base):
    """One address never to be written to again, nor to come back through an import."""

    __tablename__ = "suppressions"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(64), unique=True)
    reason: Mapped[SuppressionReason]
    detail: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]

    @classmethod
    def of(cls, session: Session, hashed: str) -> "Suppression | None":
        """The suppression of this hashed address, if there is one."""
        return session.query(cls).filter_by(address_hash=hashed).one_or_none()


def address_hash(secret: bytes, key: str) -> str:
    """HMAC-SHA-256 of an address's key under the product's secret: 64 hex digits that cannot be turned back."""
    return hmac.new(secret, b"newsletter suppression " + key.encode(), "sha256").hexdigest()
