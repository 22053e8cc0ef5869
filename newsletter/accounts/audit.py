"""AuditEntry: something an owner did, or that somebody tried in an owner's name."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.accounts.user import Owner
from newsletter.db import Base, Id, without

_HAS_IP = text("ip IS NOT NULL")


class AuditEntry(Base):
    """One entry of the audit log; append-only."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_ip", "at", postgresql_where=_HAS_IP, sqlite_where=_HAS_IP),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id"))
    at: Mapped[datetime] = mapped_column(index=True)
    ip: Mapped[str | None] = mapped_column(String(45))
    """The client's address, cleared when its retention ends."""
    action: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(String(500), default="")


def note(session: Session, owner: Owner | None, now: datetime, action: str, detail: str = "",
         ip: str | None = None) -> None:  # fmt: skip
    """Add an entry to the audit log; `detail` is cut at 500 characters."""
    session.add(AuditEntry(owner_id=owner.id if owner else None, at=now, action=action, detail=detail[:500], ip=ip))


def last_noted(session: Session, action: str) -> datetime | None:
    """When this action was last recorded, or None."""
    return session.scalar(
        select(AuditEntry.at).where(AuditEntry.action == action).order_by(AuditEntry.id.desc()).limit(1)
    )


def forget_ips(session: Session, before: datetime) -> None:
    """Clear the clients' addresses in entries older than `before`."""
    old = update(AuditEntry).where(AuditEntry.ip.is_not(None), AuditEntry.at < before)
    session.execute(old.values(ip=None).execution_options(synchronize_session=False))


def forget_mentions(session: Session, address: str) -> None:
    """Remove an erased address from the entries that mention it."""
    for entry in session.scalars(select(AuditEntry).where(AuditEntry.detail.icontains(address, autoescape=True))):
        entry.detail = without(address, entry.detail)
