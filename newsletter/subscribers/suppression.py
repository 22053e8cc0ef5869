"""Addresses that must not be written to, kept as a keyed hash so that an erased person leaves no address behind."""

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
    """Why. The person's own press after a new sign-up lifts `erased` and `bounced`; the others the owner lifts."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    OWNER = "owner"
    REFUSED = "refused"
    """Whoever reads mail there said that it was not them who signed up, and: never again."""


SUPPRESSING = (SuppressionReason.COMPLAINED, SuppressionReason.OWNER, SuppressionReason.REFUSED)
"""No form makes us write to such an address."""


class Suppression(Base):
    """One address never to be written to again, nor to come back through an import."""

    __tablename__ = "suppressions"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    address_hash: Mapped[str] = mapped_column(String(64), unique=True)
    reason: Mapped[SuppressionReason]
    detail: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime]
    folded: Mapped[bool] = mapped_column(default=False)
    """From before version 0012, when the hash was of the case-folded address (ß as ss)."""

    @classmethod
    def of_address(cls, session: Session, secrets: Sequence[bytes], address: Address) -> "list[Suppression]":
        """All that speaks against writing to this address: it, or the mailbox where its mail arrives."""
        now = [one for key in {address.key, address.mailbox} for one in address_hashes(secrets, key)]
        before = address_hashes(secrets, address.key.casefold())
        look = select(cls).where(cls.address_hash.in_(now) | (cls.address_hash.in_(before) & cls.folded))
        return list(session.scalars(look))

    @classmethod
    def add(cls, session: Session, hashed: str, reason: SuppressionReason, now: datetime) -> None:
        """Keep this hashed address from being written to. A reason that only the owner lifts is not replaced."""
        if (known := cls.hashed(session, hashed)) is None:
            session.add(cls(address_hash=hashed, reason=reason, created_at=now))
        elif known.reason not in SUPPRESSING:
            known.reason = reason

    @classmethod
    def hashed(cls, session: Session, hashed: str) -> "Suppression | None":
        """The suppression kept under this hash, if there is one."""
        return session.scalar(select(cls).where(cls.address_hash == hashed))

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


def suppressed(session: Session, secrets: Sequence[bytes], keys: Collection[str]) -> set[str]:
    """Which of these addresses' keys are suppressed, or their mailboxes (`of_address`)."""
    few = select(Suppression.address_hash, Suppression.folded).limit(len(keys) + 1)
    kept = session.execute(few).all()
    if not kept:
        return set()  # the usual case of a first import: nothing is hashed
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
