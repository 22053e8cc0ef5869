"""Inbox: how far a mailbox for bounces has been read, and why it cannot be read."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id


class InboxTrouble(StrEnum):
    """Why an inbox cannot be read."""

    LOGIN = "login"
    FOLDER = "folder"
    TLS = "tls"
    UNREACHABLE = "unreachable"
    BROKEN = "broken"
    """The server broke off, or violated the protocol."""

    @property
    def patience(self) -> timedelta:
        """How long it may last before the owner is notified; some are temporary."""
        return timedelta(hours=1) if self in (InboxTrouble.UNREACHABLE, InboxTrouble.BROKEN) else timedelta(0)


_CODES = ", ".join(f"'{one.value}'" for one in InboxTrouble)


class Inbox(Base):
    """One mailbox of INBOX_URL."""

    __tablename__ = "inboxes"
    __table_args__ = (
        CheckConstraint(f"trouble IN ({_CODES})", name="trouble"),
        CheckConstraint("(trouble IS NULL) = (since IS NULL)", name="trouble_has_beginning"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(400), unique=True)
    """User, host and folder; never the password."""
    uid_validity: Mapped[int] = mapped_column(BigInteger, default=0)
    """The server's UIDVALIDITY (RFC 9051 §2.3.1.1)."""
    last_uid: Mapped[int] = mapped_column(BigInteger, default=0)
    """Highest UID processed."""
    read_at: Mapped[datetime | None] = mapped_column()
    """When it was last read successfully."""
    trouble: Mapped[InboxTrouble | None] = mapped_column()
    since: Mapped[datetime | None] = mapped_column()

    @classmethod
    def named(cls, session: Session, name: str) -> "Inbox":
        """The row of an inbox, locked; created if missing."""
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(cls).values(name=name, uid_validity=0, last_uid=0).on_conflict_do_nothing())
        return session.scalars(select(cls).where(cls.name == name).with_for_update()).one()

    def start(self, uid_validity: int) -> int:
        """The highest UID processed; 0 when `uid_validity` changed, because the UIDs were reassigned."""
        if self.uid_validity != uid_validity:
            self.uid_validity, self.last_uid = uid_validity, 0
        return self.last_uid

    def was_read(self, uid_validity: int, up_to: int, now: datetime) -> None:
        """Record that everything up to this UID is processed, and clear any trouble."""
        if self.uid_validity == uid_validity:
            self.last_uid = max(self.last_uid, up_to)
        self.read_at, self.trouble, self.since = now, None, None

    def fails(self, trouble: InboxTrouble, now: datetime) -> bool:
        """Record that it cannot be read; True once the owner should be notified."""
        if self.trouble is not trouble or self.since is None:
            self.trouble, self.since = trouble, now
        return now - self.since >= trouble.patience
