"""A change of address that a reader has asked for: it waits for a press in the mail at the new one.

Whoever has a link to somebody's preferences can ask for one. So the earlier mailbox can take it back for a day, also
when it is done, and until then the new one proves nothing (`held_until`).
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, String, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.db import Base, Id
from newsletter.subscribers.subscriber import Subscriber
from newsletter.wordings import Wording

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
    wording_id: Mapped[int | None] = mapped_column(ForeignKey(Wording.id))
    """What the reader read before they pressed; None: nothing."""
    done_at: Mapped[datetime | None] = mapped_column()
    ended_at: Mapped[datetime | None] = mapped_column()
    """Stopped or taken back from the earlier address, or over: another one was asked for, or somebody has left."""
    earlier: Mapped[str | None] = mapped_column(String(254))
    """The address before, of one that is done, as long as it can be taken back."""

    subscriber: Mapped[Subscriber] = relationship(foreign_keys=[subscriber_id])
    to: Mapped[Subscriber | None] = relationship(foreign_keys=[to_id])
    wording: Mapped[Wording | None] = relationship()

    @property
    def words(self) -> str:
        """What the reader read; "" when there was nothing."""
        return self.wording.words if self.wording else ""

    def waits(self, now: datetime) -> bool:
        """Whether a press at the new address still does it."""
        return self.done_at is None and self.ended_at is None and now <= self.asked_at + CHANGE_WITHIN

    def can_be_taken_back(self, now: datetime) -> bool:
        """Whether it is done, and a press at the earlier address still undoes it."""
        return self.earlier is not None and now <= self.asked_at + CHANGE_WITHIN

    @property
    def moved(self) -> Subscriber | None:
        """Who has pressed at the new address and is there by that; None: nobody, or not any more."""
        if self.done_at is None or self.ended_at is not None:
            return None
        return self.to or (self.subscriber if self.subscriber.moved_at == self.done_at else None)

    def end(self, now: datetime) -> bool:
        """It is not to be. False: it was done, or over, before."""
        if self.done_at is not None or self.ended_at is not None:
            return False
        self.ended_at = now
        return True


def end_changes(session: Session, subscriber_id: int, now: datetime) -> None:
    """What waits for a press and leads from this person or to them is over: they have said something else since."""
    theirs = or_(AddressChange.subscriber_id == subscriber_id, AddressChange.to_id == subscriber_id)
    waits = (AddressChange.done_at.is_(None), AddressChange.ended_at.is_(None))
    session.execute(update(AddressChange).where(theirs, *waits).values(ended_at=now))


def held_until(session: Session, subscriber_id: int, now: datetime) -> datetime | None:
    """Until when somebody's change of address can be taken back: their mailbox may be a stranger's before that."""
    done = (AddressChange.subscriber_id == subscriber_id, AddressChange.earlier.is_not(None))
    last = session.scalar(select(func.max(AddressChange.asked_at)).where(*done))
    until = last + CHANGE_WITHIN if last else None
    return until if until and until >= now else None


def earlier_addresses(session: Session, subscriber_id: int) -> list[str]:
    """Where somebody was written to before, as long as that is known."""
    theirs = (AddressChange.subscriber_id == subscriber_id, AddressChange.earlier.is_not(None))
    return [one for one in session.scalars(select(AddressChange.earlier).where(*theirs)) if one]


def outlived_addresses(session: Session, now: datetime) -> list[str]:
    """Earlier addresses that nobody can go back to any more."""
    return [one for one in session.scalars(select(AddressChange.earlier).where(*_outlived(now))) if one]


def forget_earlier(session: Session, now: datetime) -> None:
    """Let go of those."""
    session.execute(update(AddressChange).where(*_outlived(now)).values(earlier=None))


def _outlived(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return AddressChange.earlier.is_not(None), AddressChange.asked_at < now - CHANGE_WITHIN
