"""Adding or removing a tag for many people at once, with an exact undo.

Only the people whose tags actually changed are recorded, so an undo touches nobody else. The record is deleted once
the change can no longer be undone.
"""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Select, String, delete, func, insert, literal, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from newsletter.bulk import keeping_plans
from newsletter.bulk_actions.record import NotNow
from newsletter.db import Base, Id
from newsletter.languages import said
from newsletter.subscribers import Subscriber, SubscriberTag, Tag, tag_all, tag_ids, untag_all

UNDO_FOR = timedelta(hours=24)


class TagChange(Base):
    """One such change."""

    __tablename__ = "tag_changes"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id", ondelete="SET NULL"))
    tag: Mapped[str] = mapped_column(String(80))
    gives: Mapped[bool]
    """True if the tag was added, False if it was removed."""
    people: Mapped[int] = mapped_column(BigInteger, default=0)
    """How many people's tags changed."""
    undone_at: Mapped[datetime | None] = mapped_column()

    def undo(self, session: Session, now: datetime) -> int:
        """Revert the change for everybody still there; returns for how many people. Raises NotNow."""
        if self.undone_at is not None:
            raise NotNow(said("Nothing was changed: this was undone before."))
        if now - self.at > UNDO_FOR:
            raise NotNow(said("Nothing was changed: this can be undone for 24 hours, which are over."))
        back = untag_all if self.gives else tag_all
        changed = back(session, self.tag, Subscriber.id.in_(_whose(self.id)))
        self.undone_at = now
        session.execute(delete(TagChangePerson).where(TagChangePerson.change_id == self.id))
        return changed


class TagChangePerson(Base):
    """A subscriber whose tags changed."""

    __tablename__ = "tag_change_people"

    change_id: Mapped[int] = mapped_column(ForeignKey(TagChange.id, ondelete="CASCADE"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(
        ForeignKey(Subscriber.id, ondelete="CASCADE"), primary_key=True, index=True
    )


def change_tag(session: Session, name: str, who: ColumnElement[bool], now: datetime, *, gives: bool,
               owner_id: int | None) -> TagChange:  # fmt: skip
    """Add a tag to everybody who matches `who`, or remove it (`gives=False`)."""
    made = TagChange(at=now, owner_id=owner_id, tag=name, gives=gives)
    session.add(made)
    session.flush()
    whose = _without(session, made.id, name) if gives else _with(made.id, name)
    with keeping_plans(session):
        session.execute(insert(TagChangePerson).from_select(["change_id", "subscriber_id"], whose.where(who)))
    (tag_all if gives else untag_all)(session, name, Subscriber.id.in_(_whose(made.id)))
    counted = select(func.count()).select_from(TagChangePerson).where(TagChangePerson.change_id == made.id)
    made.people = session.scalar(counted) or 0
    return made


def reach_tag(session: Session, name: str, who: ColumnElement[bool], *, gives: bool) -> tuple[int, int]:
    """The dry run: for how many people this holds, and how many of their tags would change."""
    has = select(SubscriberTag.tag_id).join(Tag).where(SubscriberTag.subscriber_id == Subscriber.id, Tag.name == name)
    meant = select(func.count()).select_from(Subscriber).where(who)
    have = session.scalar(meant.where(has.correlate(Subscriber).exists())) or 0
    people = session.scalar(meant) or 0
    return people, people - have if gives else have


def _without(session: Session, change: int, name: str) -> Select[int, int]:
    """Those without the tag. Locks the tag row, so that a concurrent tagging waits and is not undone with this one."""
    (tag,) = tag_ids(session, [name]).values()
    session.execute(select(Tag.id).where(Tag.id == tag).with_for_update())
    has = select(SubscriberTag.tag_id).where(SubscriberTag.subscriber_id == Subscriber.id, SubscriberTag.tag_id == tag)
    return select(literal(change), Subscriber.id).where(~has.exists())


def _with(change: int, name: str) -> Select[int, int]:
    """Those with the tag. Locks their rows, so that a concurrent untagging waits and finds them gone."""
    theirs = aliased(SubscriberTag)  # a filter by tag may use the unaliased table
    look = select(literal(change), Subscriber.id).join(theirs, theirs.subscriber_id == Subscriber.id)
    its = theirs.tag_id == select(Tag.id).where(Tag.name == name).scalar_subquery()
    return look.where(its).with_for_update(of=theirs)


def _whose(change: int) -> Select[int]:
    return select(TagChangePerson.subscriber_id).where(TagChangePerson.change_id == change)


def undoable(session: Session, now: datetime, most: int = 3) -> list[TagChange]:
    """Changes that can still be undone, newest first."""
    look = select(TagChange).where(TagChange.undone_at.is_(None), TagChange.at >= now - UNDO_FOR, TagChange.people > 0)
    return list(session.scalars(look.order_by(TagChange.id.desc()).limit(most)))


def forget_old(session: Session, now: datetime) -> None:
    """Delete the records of changes that can no longer be undone."""
    old = select(TagChange.id).where(TagChange.at < now - UNDO_FOR)
    session.execute(delete(TagChangePerson).where(TagChangePerson.change_id.in_(old)))
