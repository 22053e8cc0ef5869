"""Owner: somebody who may sign in to the owner's area, whether they run the newsletter or help with it."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.accounts import password as passwords
from newsletter.accounts.passkey import Passkey
from newsletter.accounts.permissions import Permission, Role, may, roles_with
from newsletter.db import Base, Id, one_of


class Owner(Base):
    """A team member. Their role decides what they may do."""

    __tablename__ = "owners"
    __table_args__ = (one_of("role", Role), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    zone: Mapped[str] = mapped_column(String(64), default="Europe/London")
    created_at: Mapped[datetime]
    totp_secret: Mapped[str | None] = mapped_column(String(200))
    """Encrypted (`second_factor`). None: no authenticator app."""
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """Of the last accepted code; no code is accepted twice (RFC 6238 §5.2)."""
    role: Mapped[Role] = mapped_column(default=Role.OWNER, server_default=Role.OWNER.value)
    signed_in_at: Mapped[datetime | None] = mapped_column()
    removed_at: Mapped[datetime | None] = mapped_column()
    """When they left the team. The row stays, because the audit log and articles refer to it."""
    passkey_handle: Mapped[str | None] = mapped_column(String(64))
    """256 random bits in hex that identify them to their passkeys (WebAuthn §14.6.1: nothing personal)."""

    passkeys: Mapped[list[Passkey]] = relationship(
        order_by=Passkey.id, cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def has_app(self) -> bool:
        """Whether they use an authenticator app."""
        return self.totp_secret is not None

    @property
    def has_second_factor(self) -> bool:
        """Whether the password alone is not enough."""
        return self.has_app or bool(self.passkeys)

    def handle(self) -> str:
        """Their user handle for passkeys, created on first use. The row must be locked."""
        self.passkey_handle = self.passkey_handle or secrets.token_hex(32)
        return self.passkey_handle

    def may(self, permission: Permission) -> bool:
        """Whether they are in the team and their role has this permission."""
        return self.removed_at is None and may(self.role, permission)

    def set_password(self, password: str) -> None:
        """Store the argon2id hash of a new password. Raises WeakPassword."""
        passwords.check_strength(password)
        self.password_hash = passwords.hashed(password)

    def has_password(self, password: str) -> bool:
        """Whether this is the password; rehashes it when the cost parameters are outdated."""
        if not passwords.matches(self.password_hash, password):
            return False
        if passwords.is_outdated(self.password_hash):
            self.password_hash = passwords.hashed(password)
        return True


OF_TEAM = Owner.removed_at.is_(None)


def create(session: Session, email: str, password: str, now: datetime, zone: str = "Europe/London",
           role: Role = Role.OWNER) -> Owner:  # fmt: skip
    """Add somebody to the team; a removed member is reinstated under the same row. Raises WeakPassword."""
    email = email.strip().lower()
    known = session.scalar(select(Owner).where(Owner.email == email, ~OF_TEAM).with_for_update())
    owner = known or Owner(email=email, created_at=now)
    owner.set_password(password)
    owner.zone, owner.role, owner.removed_at = zone, role, None
    session.add(owner)
    session.flush()
    return owner


def find(session: Session, email: str) -> Owner | None:
    """The team member with this address, or None."""
    return session.scalar(select(Owner).where(Owner.email == email.strip().lower(), OF_TEAM))


def first(session: Session) -> Owner | None:
    """The earliest owner; their zone is the installation's."""
    return session.scalar(select(Owner).where(OF_TEAM, Owner.role == Role.OWNER).order_by(Owner.id).limit(1))


def owners(session: Session) -> Sequence[Owner]:
    """All owners, earliest first: notices go to them."""
    return session.scalars(select(Owner).where(OF_TEAM, Owner.role == Role.OWNER).order_by(Owner.id)).all()


def with_permission(session: Session, permission: Permission) -> Sequence[Owner]:
    """Every team member who has this permission."""
    look = select(Owner).where(OF_TEAM, Owner.role.in_(roles_with(permission))).order_by(Owner.id)
    return session.scalars(look).all()


def sign_in(session: Session, email: str, password: str) -> Owner | None:
    """The team member with this address and password; else None, after the same time."""
    owner = find(session, email)
    if owner is None:
        passwords.spend_the_time(password)
        return None
    return owner if owner.has_password(password) else None
