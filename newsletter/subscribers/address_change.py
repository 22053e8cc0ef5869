"""AddressChange: a reader's request to move to another address, pending until confirmed by mail there.

Anybody with a link to the reader's preferences can request one. So the earlier mailbox can revert it for a day, even
once it is done; until then the new mailbox may be a stranger's (`held_until`).
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, String, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.db import Base, Id
from newsletter.subscribers.subscriber import Subscriber
from newsletter.wordings import Wording

CHANGE_WITHIN = timedelta(hours=24)


class AddressChange(Base):
    """One request. `to`: the subscriber at the new address: pending until confirmed there, or an existing reader."""

    __tablename__ = "address_changes"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey(Subscriber.id, ondelete="CASCADE"), index=True)
    to_id: Mapped[int | None] = mapped_column(ForeignKey(Subscriber.id, ondelete="SET NULL"), index=True)
    """None once it is done and the address was free, or when that subscriber is deleted."""
    asked_at: Mapped[datetime]
    wording_id: Mapped[int | None] = mapped_column(ForeignKey(Wording.id))
    """What the reader was shown when confirming, if anything."""
    done_at: Mapped[datetime | None] = mapped_column()
    ended_at: Mapped[datetime | None] = mapped_column()
    """Cancelled or reverted from the earlier address, or superseded by another request or by leaving."""
    earlier: Mapped[str | None] = mapped_column(String(254))
    """The previous address, once it is done and while it can be reverted."""

    subscriber: Mapped[Subscriber] = relationship(foreign_keys=[subscriber_id])
    to: Mapped[Subscriber | None] = relationship(foreign_keys=[to_id])
    wording: Mapped[Wording | None] = relationship()

    @property
    def words(self) -> str:
        """What the reader was shown, or ""."""
        return self.wording.words if self.wording else ""

    def waits(self, now: datetime) -> bool:
        """Whether it can still be confirmed from the new address."""
        return self.done_at is None and self.ended_at is None and now <= self.asked_at + CHANGE_WITHIN

    def can_be_taken_back(self, now: datetime) -> bool:
        """Whether it is done and can still be reverted from the earlier address."""
        return self.earlier is not None and now <= self.asked_at + CHANGE_WITHIN

    @property
    def moved(self) -> Subscriber | None:
        """The subscriber now at the new address because of this change; None if not done, or no longer so."""
        if self.done_at is None or self.ended_at is not None:
            return None
        return self.to or (self.subscriber if self.subscriber.moved_at == self.done_at else None)

    def end(self, now: datetime) -> bool:
        """Cancel it; False if it was already done or ended."""
        if self.done_at is not None or self.ended_at is not None:
            return False
        self.ended_at = now
        return True


def end_changes(session: Session, subscriber_id: int, now: datetime) -> None:
    """End all pending changes from or to this subscriber."""
    theirs = or_(AddressChange.subscriber_id == subscriber_id, AddressChange.to_id == subscriber_id)
    waits = (AddressChange.done_at.is_(None), AddressChange.ended_at.is_(None))
    session.execute(update(AddressChange).where(theirs, *waits).values(ended_at=now))


def held_until(session: Session, subscriber_id: int, now: datetime) -> datetime | None:
    """When somebody's address change becomes irrevocable, or None; until then the mailbox may be a stranger's."""
    done = (AddressChange.subscriber_id == subscriber_id, AddressChange.earlier.is_not(None))
    last = session.scalar(select(func.max(AddressChange.asked_at)).where(*done))
    until = last + CHANGE_WITHIN if last else None
    return until if until and until >= now else None


def earlier_addresses(session: Session, subscriber_id: int) -> list[str]:
    """Somebody's previous addresses, as long as they are kept."""
    theirs = (AddressChange.subscriber_id == subscriber_id, AddressChange.earlier.is_not(None))
    return [one for one in session.scalars(select(AddressChange.earlier).where(*theirs)) if one]


def outlived_addresses(session: Session, now: datetime) -> list[str]:
    """Previous addresses whose changes can no longer be reverted."""
    return [one for one in session.scalars(select(AddressChange.earlier).where(*_outlived(now))) if one]


def forget_earlier(session: Session, now: datetime) -> None:
    """Delete the previous addresses that `outlived_addresses` lists."""
    session.execute(update(AddressChange).where(*_outlived(now)).values(earlier=None))


def _outlived(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return AddressChange.earlier.is_not(None), AddressChange.asked_at < now - CHANGE_WITHIN
