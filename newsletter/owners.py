"""Owner: who runs the newsletter, and the record of what they did."""

import secrets
from datetime import datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id

SHORTEST_PASSWORD = 10
_hasher = PasswordHasher()
# Checked when nobody has the address, so that a wrong address and a wrong password take the same time.
_NOBODY = _hasher.hash(secrets.token_hex(16))


class WeakPassword(ValueError):
    """The password is too short; the message says how long it should be."""


class Owner(Base):
    """A person who may sign in to the owner's area."""

    __tablename__ = "owners"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    epoch: Mapped[int] = mapped_column(default=1)
    """Counts up with every new password; a session of an older epoch is over."""
    zone: Mapped[str] = mapped_column(String(64), default="Europe/London")
    created_at: Mapped[datetime]

    def set_password(self, password: str) -> None:
        """Keep the argon2id hash of a new password and end every session. Raises WeakPassword."""
        if len(password) < SHORTEST_PASSWORD or password.isdigit() or len(set(password)) < 5:
            raise WeakPassword(f"A password needs at least {SHORTEST_PASSWORD} characters, and more than a few digits.")
        self.password_hash = _hasher.hash(password)
        self.epoch = (self.epoch or 0) + 1

    def has_password(self, password: str) -> bool:
        """Whether this is the password; re-hashes it when the library's costs have risen since."""
        try:
            _hasher.verify(self.password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
        if _hasher.check_needs_rehash(self.password_hash):
            self.password_hash = _hasher.hash(password)
        return True


class AuditEntry(Base):
    """One thing an owner did. Rows are only added."""

    __tablename__ = "audit"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id"))
    at: Mapped[datetime] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(String(500), default="")


def create(session: Session, email: str, password: str, now: datetime, zone: str = "Europe/London") -> Owner:
    """Add an owner. Raises WeakPassword."""
    owner = Owner(email=email.strip().lower(), zone=zone, created_at=now)
    owner.set_password(password)
    session.add(owner)
    session.flush()
    return owner


def find(session: Session, email: str) -> Owner | None:
    """The owner with this address."""
    return session.scalar(select(Owner).where(Owner.email == email.strip().lower()))


def first(session: Session) -> Owner | None:
    """The owner who came first: notices go to them, and their zone is the house's."""
    return session.scalar(select(Owner).order_by(Owner.id).limit(1))


def sign_in(session: Session, email: str, password: str) -> Owner | None:
    """The owner with this address and password, else None after the same time."""
    owner = find(session, email)
    if owner is None:
        try:
            _hasher.verify(_NOBODY, password)
        except VerificationError:
            return None
        return None
    return owner if owner.has_password(password) else None


def note(session: Session, owner: Owner | None, now: datetime, action: str, detail: str = "") -> None:
    """Write into the audit log."""
    session.add(AuditEntry(owner_id=owner.id if owner else None, at=now, action=action, detail=detail[:500]))
