"""Addresses that must not be written to, kept as a keyed hash so that an erased person leaves no address behind."""

import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, select
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
    def of(cls, session: Session, secrets: Sequence[bytes], key: str) -> "Suppression | None":
        """The suppression of the address with this key, if there is one, under whichever of the product's keys."""
        look = select(cls).where(cls.address_hash.in_(address_hashes(secrets, key))).order_by(cls.id)
        return session.scalars(look).first()


def address_hash(secret: bytes, key: str) -> str:
    """HMAC-SHA-256 of an address's key under the product's secret: 64 hex digits that cannot be turned back."""
    return hmac.digest(secret, b"newsletter suppression " + key.encode(), "sha256").hex()


def address_hashes(secrets: Sequence[bytes], key: str) -> list[str]:
    """What an address may be kept under: its hash with the present key, and with each of those of earlier times.

    Nobody can hash an erased address anew when the key is changed: the address is gone.
    """
    return [address_hash(secret, key) for secret in secrets]


def suppressed(session: Session, secrets: Sequence[bytes], keys: Iterable[str]) -> set[str]:
    """Which of these addresses' keys are suppressed; one statement for all."""
    hashes = {hashed: key for key in keys for hashed in address_hashes(secrets, key)}
    found = session.scalars(select(Suppression.address_hash).where(Suppression.address_hash.in_(hashes)))
    return {hashes[hashed] for hashed in found}
