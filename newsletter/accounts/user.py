"""Owner: who runs the newsletter and may sign in to the owner's area."""

from datetime import datetime

from sqlalchemy import BigInteger, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.accounts import password as passwords
from newsletter.db import Base, Id


class Owner(Base):
    """A person who may sign in to the owner's area."""

    __tablename__ = "owners"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    zone: Mapped[str] = mapped_column(String(64), default="Europe/London")
    created_at: Mapped[datetime]
    totp_secret: Mapped[str | None] = mapped_column(String(200))
    """Sealed (`second_factor`). None: the password alone lets them in."""
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """Of the last code that let them in; no code is good twice (RFC 6238 §5.2)."""

    @property
    def has_second_factor(self) -> bool:
        """Whether a code is asked for behind the password."""
        return self.totp_secret is not None

    def set_password(self, password: str) -> None:
        """Keep the argon2id hash of a new password. Raises WeakPassword."""
        passwords.check_strength(password)
        self.password_hash = passwords.hashed(password)

    def has_password(self, password: str) -> bool:
        """Whether this is the password; re-hashes it when the library's costs have risen since."""
        if not passwords.matches(self.password_hash, password):
            return False
        if passwords.is_outdated(self.password_hash):
            self.password_hash = passwords.hashed(password)
        return True


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
        passwords.spend_the_time(password)
        return None
    return owner if owner.has_password(password) else None
