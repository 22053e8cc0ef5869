"""What a person agreed to, when, where and in which words (UK GDPR Art. 7(1): the proof is the owner's to keep)."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.db import Base, Id
from newsletter.subscribers.subscriber import Subscriber

_HAS_IP = text("ip IS NOT NULL")


class Consent(Base):
    """One act of agreeing. Rows are only added; `confirmed_at` is filled once, by the button in the confirmation."""

    __tablename__ = "consents"
    __table_args__ = (
        Index("ix_consents_ip", "given_at", postgresql_where=_HAS_IP, sqlite_where=_HAS_IP),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    guide: Mapped[str | None] = mapped_column(String(64))
    newsletter: Mapped[bool] = mapped_column(default=False)
    wording: Mapped[str] = mapped_column(String(1000))
    version: Mapped[str] = mapped_column(String(16))
    page: Mapped[str] = mapped_column(String(200), default="")
    form: Mapped[str] = mapped_column(String(64), default="")
    ip: Mapped[str | None] = mapped_column(String(45))
    given_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]

    subscriber: Mapped[Subscriber] = relationship()

    def confirm(self, now: datetime) -> bool:
        """Take the consent as proven by its own inbox. False when it was already."""
        if self.confirmed_at is not None:
            return False
        self.confirmed_at = now
        return True


def forget_ips(session: Session, before: datetime, limit: int = 1000) -> int:
    """Take the address out of consents given before this, the next `limit` of them; how many had one."""
    old = select(Consent.id).where(Consent.ip.is_not(None), Consent.given_at < before).limit(limit)
    ids = session.scalars(old).all()
    forgotten = update(Consent).where(Consent.id.in_(ids)).values(ip=None)
    session.execute(forgotten.execution_options(synchronize_session=False))
    return len(ids)
