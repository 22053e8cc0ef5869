"""Suppression: addresses we must not mail, stored as keyed hashes so that an erasure leaves no address behind."""

import hmac
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.bulk import is_given
from newsletter.db import Base, Id
from newsletter.subscribers.address import Address


class SuppressionReason(StrEnum):
    """Why. A person's confirmed new sign-up lifts ERASED and BOUNCED; only the owner lifts the others."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    OWNER = "owner"
    REFUSED = "refused"
    """Whoever reads mail there said it was not them who signed up, and never to write again."""


SUPPRESSING = (SuppressionReason.COMPLAINED, SuppressionReason.OWNER, SuppressionReason.REFUSED)
"""Reasons for which no form can make us mail the address."""


class Suppression(Base):
    """One suppressed address; imports cannot bring it back either."""

    __tablename__ = "suppressions"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(64), unique=True)
    reason: Mapped[SuppressionReason]
    detail: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]
    folded: Mapped[bool] = mapped_column(default=False)
    """Written before migration 0012, when the hash was of the case-folded address (ß as ss)."""

    @classmethod
    def of_address(cls, session: Session, secrets: Sequence[bytes], address: Address) -> "list[Suppression]":
        """All suppressions of this address or its mailbox."""
        now = [one for key in {address.key, address.mailbox} for one in address_hashes(secrets, key)]
        before = address_hashes(secrets, address.key.casefold())
        look = select(cls).where(cls.address_hash.in_(now) | (cls.address_hash.in_(before) & cls.folded))
        return list(session.scalars(look))

    @classmethod
    def add(cls, session: Session, hashed: str, reason: SuppressionReason, now: datetime) -> None:
        """Suppress a hashed address. A reason in `SUPPRESSING` is not replaced."""
        if (known := cls.hashed(session, hashed)) is None:
            session.add(cls(address_hash=hashed, reason=reason, created_at=now))
        elif known.reason not in SUPPRESSING:
            known.reason = reason

    @classmethod
    def hashed(cls, session: Session, hashed: str) -> "Suppression | None":
        """The suppression with this hash, or None."""
        return session.scalar(select(cls).where(cls.address_hash == hashed))

    @classmethod
    def of(cls, session: Session, secrets: Sequence[bytes], key: str) -> "Suppression | None":
        """The suppression of an address key under any of the secret keys, or None."""
        look = select(cls).where(cls.address_hash.in_(address_hashes(secrets, key))).order_by(cls.id)
        return session.scalars(look).first()


def address_hash(secret: bytes, key: str) -> str:
    """HMAC-SHA-256 of an address key with the secret key: 64 hex digits."""
    return hmac.digest(secret, b"newsletter suppression " + key.encode(), "sha256").hex()


def address_hashes(secrets: Sequence[bytes], key: str) -> list[str]:
    """An address key's hashes with the current and all retired secret keys.

    Retired keys are needed because an erased address cannot be rehashed when the key changes.
    """
    return [address_hash(secret, key) for secret in secrets]


def suppressed(session: Session, secrets: Sequence[bytes], keys: Collection[str]) -> set[str]:
    """Which of these address keys are suppressed, themselves or by mailbox (`of_address`)."""
    few = select(Suppression.address_hash, Suppression.folded).limit(len(keys) + 1)
    kept = session.execute(few).all()
    if not kept:
        return set()  # usual for a first import: saves the hashing
    now: dict[str, set[str]] = {}
    before: dict[str, set[str]] = {}
    for key in keys:
        for one in {key, Address(email=key, key=key).mailbox}:
            for hashed in address_hashes(secrets, one):
                now.setdefault(hashed, set()).add(key)
        if key != key.casefold():
            for hashed in address_hashes(secrets, key.casefold()):
                before.setdefault(hashed, set()).add(key)
    if len(kept) > len(keys):
        look = select(Suppression.address_hash, Suppression.folded)
        kept = session.execute(look.where(is_given(session, Suppression.address_hash, {**now, **before}))).all()
    found: set[str] = set()
    for hashed, folded in kept:
        found |= now.get(hashed, set()) | (before.get(hashed, set()) if folded else set())
    return found
