"""AuditEntry: one thing an owner did, or that was tried in an owner's name."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.accounts.user import Owner
from newsletter.db import Base, Id, without

_HAS_IP = text("ip IS NOT NULL")


class AuditEntry(Base):
    """One entry. Rows are only added."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_ip", "at", postgresql_where=_HAS_IP, sqlite_where=_HAS_IP),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id"))
    at: Mapped[datetime] = mapped_column(index=True)
    ip: Mapped[str | None] = mapped_column(String(45))
    """From where, as long as that is kept."""
    action: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(String(500), default="")


def note(session: Session, owner: Owner | None, now: datetime, action: str, detail: str = "",
         ip: str | None = None) -> None:  # fmt: skip
    """Write into the audit log."""
    session.add(AuditEntry(owner_id=owner.id if owner else None, at=now, action=action, detail=detail[:500], ip=ip))


def last_noted(session: Session, action: str) -> datetime | None:
    """When this was done last; None: never."""
    return session.scalar(
        select(AuditEntry.at).where(AuditEntry.action == action).order_by(AuditEntry.id.desc()).limit(1)
    )


def forget_ips(session: Session, before: datetime) -> None:
    """Take the clients' addresses out of entries older than this."""
    old = update(AuditEntry).where(AuditEntry.ip.is_not(None), AuditEntry.at < before)
    session.execute(old.values(ip=None).execution_options(synchronize_session=False))


def forget_mentions(session: Session, address: str) -> None:
    """Take an erased address out of the entries that name it."""
    for entry in session.scalars(select(AuditEntry).where(AuditEntry.detail.icontains(address, autoescape=True))):
        entry.detail = without(address, entry.detail)
