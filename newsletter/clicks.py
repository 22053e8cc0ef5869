"""Clicks: who followed which link of a bulk mail, once for each mail and link; machines apart from people.

A click is written down some time after it (`feedback.click`), maybe more than once, and is the same row then. It goes
with its reader. Segments, pages and reports read it; nobody is called.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.db import Base, Id
from newsletter.figures import figure

LONGEST_URL = 2_000
"""Octets; a longer address is never counted."""


class Link(Base):
    """An address that a link of a mail led to, in visible ASCII, as it stood there."""

    __tablename__ = "links"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    url: Mapped[str] = mapped_column(String(LONGEST_URL), unique=True)


_OF_A_DISPATCH = text("dispatch_id IS NOT NULL")


class Click(Base):
    """One reader followed one link of one mail, or a machine did. Message, dispatch and revision are the mail's."""

    __tablename__ = "clicks"
    __table_args__ = (
        UniqueConstraint("message_id", "link_id"),
        CheckConstraint("person_at IS NOT NULL OR machine_at IS NOT NULL", name="somebody"),
        Index(
            "ix_clicks_dispatch", "dispatch_id", "link_id",
            postgresql_where=_OF_A_DISPATCH, sqlite_where=_OF_A_DISPATCH,
        ),
        Index("ix_clicks_subscriber", "subscriber_id", "dispatch_id"),
        Index("ix_clicks_revision", "revision_id", "link_id"),
        {"sqlite_autoincrement": True},
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(BigInteger)
    dispatch_id: Mapped[int | None] = mapped_column(BigInteger)
    """None: a mail of a series."""
    revision_id: Mapped[int] = mapped_column(BigInteger)
    link_id: Mapped[int] = mapped_column(ForeignKey("links.id"))
    person_at: Mapped[datetime | None]
    """When a person followed it first."""
    machine_at: Mapped[datetime | None]
    """When a machine did: a scanner, or whatever looks at a mail before its reader does."""

    link: Mapped[Link] = relationship()

    @property
    def at(self) -> datetime:
        """When a person followed it, else when a machine did."""
        at = self.person_at or self.machine_at
        if at is None:
            raise ValueError("nobody's click")  # the table refuses it
        return at


class ClickObjection(Base):
    """A reader who does not want their clicks recorded (UK GDPR Art. 21)."""

    __tablename__ = "click_objections"

    subscriber_id: Mapped[int] = mapped_column(
        ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """How many people followed a link, and to how many no more than a machine did."""

    url: str
    people: int
    machines: int


@dataclass(frozen=True, slots=True)
class Clicks:
    """Those of one mailing. Numbers of people, each counted once."""

    people: int
    machines: int
    """Of whom only machines followed a link."""
    links: tuple[LinkClicks, ...] = ()

    def with_links(self, urls: Collection[str]) -> "Clicks":
        """The same with these links too, those that nobody has followed among them; the most followed first."""
        every = [*self.links, *(LinkClicks(url, 0, 0) for url in dict.fromkeys(urls) if url not in self._known)]
        return Clicks(self.people, self.machines, tuple(sorted(every, key=lambda one: -one.people)))

    @property
    def _known(self) -> set[str]:
        return {one.url for one in self.links}


_PEOPLE = func.count(Click.person_at), func.count()


def of_dispatch(session: Session, dispatch_id: int) -> Clicks:
    """The clicks of a campaign."""
    return figure(session, ("clicks of dispatch", dispatch_id), lambda it: _of(it, Click.dispatch_id == dispatch_id))


def of_revisions(session: Session, revisions: Collection[int]) -> Clicks:
    """The clicks of a series' mail, whose words went through these revisions."""
    which = tuple(sorted(revisions))
    asked = (Click.revision_id.in_(which), Click.dispatch_id.is_(None))
    return figure(session, ("clicks of revisions", which), lambda it: _of(it, *asked))


def _of(session: Session, *which: ColumnElement[bool]) -> Clicks:
    by_link = select(Link.url, *_PEOPLE).join(Click, Click.link_id == Link.id).where(*which).group_by(Link.url)
    links = tuple(LinkClicks(url, people, every - people) for url, people, every in session.execute(by_link))
    readers = select(func.count(Click.person_at).label("real")).where(*which).group_by(Click.subscriber_id).subquery()
    people = session.scalar(select(func.count()).select_from(readers).where(readers.c.real > 0)) or 0
    every = session.scalar(select(func.count()).select_from(readers)) or 0
    return Clicks(people, every - people, links)


def objects(session: Session, subscriber_id: int) -> bool:
    """Whether this reader objects to it."""
    return session.get(ClickObjection, subscriber_id) is not None


def object_to(session: Session, subscriber_id: int, now: datetime) -> None:
    """Forget this reader's clicks, and record none from now on."""
    session.execute(delete(Click).where(Click.subscriber_id == subscriber_id))
    if not objects(session, subscriber_id):
        session.add(ClickObjection(subscriber_id=subscriber_id, at=now))


def withdraw_objection(session: Session, subscriber_id: int) -> None:
    """Record this reader's clicks again, as everybody's."""
    session.execute(delete(ClickObjection).where(ClickObjection.subscriber_id == subscriber_id))


def delete_all(session: Session) -> int:
    """Forget every click, and every address that was followed; how many."""
    gone = session.execute(delete(Click))
    session.execute(delete(Link))
    return int(gone.rowcount)  # type: ignore[attr-defined]
