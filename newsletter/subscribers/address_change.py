"""A change of address that a reader has asked for: it waits for a press in the mail at the new one."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.db import Base, Id
from newsletter.subscribers.subscriber import Subscriber

CHANGE_WITHIN = timedelta(hours=24)


class AddressChange(Base):
    """Who asked, and who is at the new address: somebody pending as long as nobody has pressed there, or a reader."""

    __tablename__ = "address_changes"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey(Subscriber.id, ondelete="CASCADE"), index=True)
    to_id: Mapped[int | None] = mapped_column(ForeignKey(Subscriber.id, ondelete="SET NULL"), index=True)
    """None when it is done and nobody else was there, or they are gone."""
    asked_at: Mapped[datetime]
    words: Mapped[str] = mapped_column(String(1000))
    """What the reader read before they pressed."""
    done_at: Mapped[datetime | None] = mapped_column()
    ended_at: Mapped[datetime | None] = mapped_column()
    """Stopped from the earlier address, or another one was asked for."""

    subscriber: Mapped[Subscriber] = relationship(foreign_keys=[subscriber_id])
    to: Mapped[Subscriber | None] = relationship(foreign_keys=[to_id])

    def waits(self, now: datetime) -> bool:
        """Whether a press at the new address still does it."""
        return self.done_at is None and self.ended_at is None and now <= self.asked_at + CHANGE_WITHIN

    def end(self, now: datetime) -> bool:
        """It is not to be. False: it was done, or over, before."""
        if self.done_at is not None or self.ended_at is not None:
            return False
        self.ended_at = now
        return True
