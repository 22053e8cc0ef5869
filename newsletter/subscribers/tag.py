"""Tag: a label that the owner gives subscribers, to find them again."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, delete, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id
from newsletter.figures import figure
from newsletter.subscribers.subscriber import Subscriber

LONGEST_TAG = 80
MOST_TAGS = 100
"""Per subscriber, when an owner types them."""


class Tag(Base):
    """One tag; names are case-sensitive."""

    __tablename__ = "tags"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_TAG), unique=True)


class SubscriberTag(Base):
    """A subscriber's tag."""

    __tablename__ = "subscriber_tags"

    subscriber_id: Mapped[int] = mapped_column(ForeignKey(Subscriber.id, ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey(Tag.id, ondelete="CASCADE"), primary_key=True, index=True)


def clean_tag(typed: str) -> str:
    """The name as one line of printable text, at most `LONGEST_TAG` characters; "" if nothing is left."""
    return " ".join("".join(c if c.isprintable() else " " for c in typed).split())[:LONGEST_TAG].strip()


def all_tags(session: Session, most: int = 500) -> list[tuple[str, int]]:
    """The first `most` tags in use, in alphabetical order, each with its number of subscribers."""
    look = select(Tag.name, func.count(SubscriberTag.subscriber_id)).join(SubscriberTag).group_by(Tag.name)
    listed = look.order_by(Tag.name).limit(most)
    return figure(session, ("people by tag", most), lambda it: list(it.execute(listed)))


def with_tag(name: str) -> ColumnElement[bool]:
    """SQL condition on Subscriber: has this tag."""
    look = select(SubscriberTag.tag_id).join(Tag).where(SubscriberTag.subscriber_id == Subscriber.id, Tag.name == name)
    return look.exists()


def retag(session: Session, subscriber_id: int, names: Iterable[str]) -> None:
    """Set exactly these tags."""
    wanted = tag_ids(session, filter(None, map(clean_tag, names)))
    its = SubscriberTag.subscriber_id == subscriber_id
    session.execute(delete(SubscriberTag).where(its, SubscriberTag.tag_id.not_in(wanted.values())))
    kept = set(session.scalars(select(SubscriberTag.tag_id).where(its)))
    session.add_all(SubscriberTag(subscriber_id=subscriber_id, tag_id=id) for id in wanted.values() if id not in kept)
    session.flush()


def tag_all(session: Session, name: str, who: ColumnElement[bool]) -> int:
    """Tag everybody who matches, in one statement; returns how many did not have the tag."""
    (id,) = tag_ids(session, [name]).values()
    insert: Any = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert
    rows = select(Subscriber.id, literal(id)).where(who)
    fresh = insert(SubscriberTag).from_select(["subscriber_id", "tag_id"], rows).on_conflict_do_nothing()
    return int(session.connection().execute(fresh, execution_options={"preserve_rowcount": True}).rowcount)


def untag_all(session: Session, name: str, who: ColumnElement[bool]) -> int:
    """Remove a tag from everybody who matches; returns how many had it."""
    people = select(Subscriber.id).where(who)
    tag = select(Tag.id).where(Tag.name == name).scalar_subquery()
    gone = delete(SubscriberTag).where(SubscriberTag.tag_id == tag, SubscriberTag.subscriber_id.in_(people))
    return int(session.connection().execute(gone).rowcount)


def tags_of(session: Session, subscriber_id: int) -> list[str]:
    """A subscriber's tag names, in alphabetical order."""
    look = select(Tag.name).join(SubscriberTag).where(SubscriberTag.subscriber_id == subscriber_id)
    return sorted(session.scalars(look), key=str.casefold)


def tag_ids(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Tag ids by name; creates missing ones. Safe under concurrency."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    insert: Any = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert
    session.execute(insert(Tag).on_conflict_do_nothing(), [{"name": name} for name in wanted])
    return dict(session.execute(select(Tag.name, Tag.id).where(Tag.name.in_(wanted))).all())
