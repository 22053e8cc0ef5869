"""Topics: what the owner's articles are about. Readers choose among them, and each has a page and a feed."""

import re
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from newsletter import characters
from newsletter.db import Base, Id
from newsletter.languages import said
from newsletter.slugs import numbered, slugify

LONGEST_NAME, LONGEST_SLUG = 40, 60
MOST_TOPICS = 30
"""Open ones: no reader ticks through more."""
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")


class BadTopic(ValueError):
    """The topic cannot be like this; the message says why and what to do. `part`: name or slug."""

    def __init__(self, part: str, told: str) -> None:
        super().__init__(told)
        self.part = part


class Topic(Base):
    """One topic. It is archived and never deleted: campaigns, consents and readers' choices point at it."""

    __tablename__ = "topics"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(String(LONGEST_SLUG), unique=True)
    """In addresses. It stays when the topic is renamed; an earlier one leads on (`FormerSlug`)."""
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), unique=True)
    position: Mapped[int]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None] = mapped_column()
    """Since when nobody is offered it any more; its page, and what readers have chosen, stay."""

    @validates("name")
    def _clean(self, _: str, typed: str) -> str:
        return characters.line(typed)

    @property
    def is_open(self) -> bool:
        """Whether it is offered."""
        return self.archived_at is None

    def archive(self, now: datetime) -> None:
        """Offer it to nobody any more."""
        self.archived_at = self.archived_at or now

    def restore(self, session: Session) -> None:
        """Offer it again, behind the others. Who had chosen it still has. Raises BadTopic."""
        if not self.is_open:
            _room_for_one_more(session)
            self.archived_at, self.position = None, _end(session)


class FormerSlug(Base):
    """A slug that a topic had: its address leads to the topic's page."""

    __tablename__ = "topic_slugs"

    slug: Mapped[str] = mapped_column(String(LONGEST_SLUG), primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey(Topic.id, ondelete="CASCADE"))


def every(session: Session) -> list[Topic]:
    """All topics, in the owner's order, the archived ones last."""
    return list(session.scalars(select(Topic).order_by(Topic.archived_at.is_not(None), Topic.position, Topic.id)))


def open_ones(session: Session) -> list[Topic]:
    """Those that are offered, in the owner's order."""
    return list(session.scalars(select(Topic).where(Topic.archived_at.is_(None)).order_by(Topic.position, Topic.id)))


def names_of(session: Session, ids: Iterable[int]) -> list[str]:
    """The names of these topics, in the owner's order."""
    look = select(Topic.name).where(Topic.id.in_(set(ids))).order_by(Topic.position, Topic.id)
    return list(session.scalars(look))


def by_slug(session: Session, slug: str) -> Topic | None:
    """The topic with this slug, or that had it once."""
    if not _SLUG.match(slug):
        return None
    found = session.scalar(select(Topic).where(Topic.slug == slug))
    return found or session.scalar(select(Topic).join(FormerSlug).where(FormerSlug.slug == slug))


def by_name(session: Session, name: str) -> Topic | None:
    """The topic with this name."""
    return session.scalar(select(Topic).where(Topic.name == characters.line(name)))


def add(session: Session, name: str, now: datetime) -> Topic:
    """A new topic at the end. Nobody is written to because of it. Raises BadTopic."""
    _room_for_one_more(session)
    _check_name(session, name)
    base = slugify(name, "topic")[: LONGEST_SLUG - 4].strip("-")
    made = Topic(slug=numbered(base, _taken(session)), name=name, position=_end(session), created_at=now)
    session.add(made)
    session.flush()
    return made


def change(session: Session, topic: Topic, *, name: str, slug: str) -> None:
    """Rename a topic, and move its page; the page's earlier address leads on. Raises BadTopic: nothing has changed."""
    _check_name(session, name, topic)
    if slug != topic.slug:
        if len(slug) > LONGEST_SLUG or not _SLUG.match(slug):
            told = said(
                "Small letters, digits and single hyphens between them, at most %(longest_slug)s characters.",
                longest_slug=LONGEST_SLUG,
            )
            raise BadTopic("slug", told)
        if slug in _taken(session, but=topic):
            raise BadTopic("slug", said("Another topic has this address, or had it once. Choose another one."))
        if (back := session.get(FormerSlug, slug)) is not None:
            session.delete(back)
        session.add(FormerSlug(slug=topic.slug, topic_id=topic.id))
        topic.slug = slug
    topic.name = name
    session.flush()


def move(session: Session, topic: Topic, up: bool) -> bool:
    """Let an open topic change places with its neighbour; False at either end."""
    listed = open_ones(session)
    place = listed.index(topic) + (-1 if up else 1) if topic in listed else -1
    if not 0 <= place < len(listed):
        return False
    listed.remove(topic)
    listed.insert(place, topic)
    for position, one in enumerate(listed):
        one.position = position
    return True


def _check_name(session: Session, name: str, topic: Topic | None = None) -> None:
    if not name:
        raise BadTopic("name", said("Give it a name; readers see it."))
    if len(name) > LONGEST_NAME:
        raise BadTopic(
            "name", said("This is too long; %(longest_name)s characters are the most.", longest_name=LONGEST_NAME)
        )
    others = [one for one in every(session) if one is not topic]
    if name == "*" or any(one.name.casefold() == name.casefold() for one in others):
        raise BadTopic(
            "name",
            said("There is a topic “%(name)s” already, perhaps an archived one. Choose another name.", name=name),
        )


def _room_for_one_more(session: Session) -> None:
    if len(open_ones(session)) >= MOST_TOPICS:
        raise BadTopic(
            "name",
            said("There are %(most_topics)s topics, which are the most. Archive one first.", most_topics=MOST_TOPICS),
        )


def _taken(session: Session, but: Topic | None = None) -> Collection[str]:
    now_ = session.execute(select(Topic.slug, Topic.id))
    once = session.execute(select(FormerSlug.slug, FormerSlug.topic_id))
    return {slug for slug, id in (*now_, *once) if but is None or id != but.id}


def _end(session: Session) -> int:
    return (session.scalar(select(func.max(Topic.position))) or 0) + 1
