"""AuditEntry: an action of an owner, or an attempt in an owner's name."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.accounts.user import Owner
from newsletter.db import Base, Id, without, without_inside

_HAS_IP = text("ip IS NOT NULL")
LONGEST_VALUE = 2_000
"""Characters kept of a value."""
_SECRET = ("password", "secret", "token", "key")
Changes = list[list[str]]
"""[name, old value, new value] of each change."""


class AuditEntry(Base):
    """One entry of the audit log; append-only."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_owner", "owner_id", "id"),
        Index("ix_audit_action", "action", "id"),
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
    changes: Mapped[Changes | None] = mapped_column(JSON(none_as_null=True))


def note(session: Session, owner: Owner | None, now: datetime, action: str, detail: str = "",
         ip: str | None = None, changes: Changes | None = None) -> None:  # fmt: skip
    """Add an entry to the audit log; `detail` is cut at 500 characters. `changes`: see `differing`."""
    session.add(
        AuditEntry(
            owner_id=owner.id if owner else None, at=now, action=action, detail=detail[:500], ip=ip,
            changes=changes or None,
        )
    )  # fmt: skip


def differing(before: Mapping[str, object], after: Mapping[str, object]) -> Changes:
    """The values that differ in `after`, as stored in an entry; "…" for both if the name suggests a secret."""
    return [
        [name, *(("…", "…") if any(word in name for word in _SECRET) else (_told(before.get(name)), _told(value)))]
        for name, value in after.items()
        if before.get(name) != value
    ]


def _told(value: object) -> str:
    words = ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else value
    line = "" if words is None else str(words)
    return line if len(line) <= LONGEST_VALUE else f"{line[:LONGEST_VALUE]}…"


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
    """Remove an erased address from the entries that mention it, and from the values they keep."""
    named = or_(AuditEntry.detail.icontains(address, autoescape=True), AuditEntry.changes.is_not(None))
    for entry in session.scalars(select(AuditEntry).where(named)):
        entry.detail, entry.changes = without(address, entry.detail), without_inside(address, entry.changes)
