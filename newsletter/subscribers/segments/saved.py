"""SavedSegment: named rules, reusable in lists and campaigns."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter import characters
from newsletter.db import Base, Id, without, without_inside
from newsletter.languages import Number, said
from newsletter.subscribers.segments.reading import BadRules, as_json, read
from newsletter.subscribers.segments.refs import What
from newsletter.subscribers.segments.rules import Rules, Unreadable

LONGEST_TITLE = 80
MOST_SAVED = 500


class BadSegment(ValueError):
    """The segment cannot be saved like this; the message says why and what to do."""


class SavedSegment(Base):
    """Named rules. Membership is evaluated on use, never stored."""

    __tablename__ = "saved_segments"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_TITLE), unique=True)
    stored: Mapped[dict[str, Any]] = mapped_column("rules", JSON)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def rules(self) -> Rules:
        """Its rules, `Unreadable` if this version cannot parse them."""
        return stored_rules(self.stored)


def stored_rules(stored: Any) -> Rules:
    """Parse stored rules; `Unreadable` if this version cannot."""
    try:
        return read(stored)
    except BadRules as error:
        return Rules(Unreadable(said("Its rules cannot be read: %(error)s", error=error)))


def every(session: Session) -> list[SavedSegment]:
    """Every saved segment, by name."""
    return list(session.scalars(select(SavedSegment).order_by(func.lower(SavedSegment.name), SavedSegment.id)))


def named(session: Session, name: str) -> SavedSegment | None:
    """The segment with this name: preferably with the same capitals, else in any."""
    wanted = characters.line(name)
    same = [one for one in every(session) if one.name.casefold() == wanted.casefold()]
    return next((one for one in same if one.name == wanted), same[0] if same else None)


def naming(session: Session, what: What, name: str | int) -> list[SavedSegment]:
    """The segments whose rules refer to this thing; deleting it would make them match nobody."""
    return [one for one in every(session) if any((ref.what, ref.name) == (what, name) for ref in one.rules.names())]


def forget_mentions(session: Session, address: str) -> None:
    """Remove an erased address from names and rules; a rule that searched for it then matches nobody."""
    for one in every(session):
        one.stored = without_inside(address, one.stored)
        if (name := without(address, one.name)) != one.name:
            one.name = f"{name[: LONGEST_TITLE - 12]} ({one.id})"  # names may have differed by the address only


def save(session: Session, name: str, rules: Rules, now: datetime, known: SavedSegment | None = None) -> SavedSegment:
    """Create a segment, or change the name and rules of `known`. Raises BadSegment."""
    title = _title(session, name, known)
    if known is None and (session.scalar(select(func.count(SavedSegment.id))) or 0) >= MOST_SAVED:
        raise BadSegment(
            said(
                "There are %(most_saved)s segments, which is the most. Please delete one first.", most_saved=MOST_SAVED
            )
        )
    try:
        with session.begin_nested():
            segment = known or SavedSegment(created_at=now, updated_at=now)
            segment.name, segment.stored, segment.updated_at = title, as_json(rules), now
            session.add(segment)
    except IntegrityError:  # somebody saved the same name concurrently
        raise BadSegment(said("There is a segment “%(title)s” already.", title=title)) from None
    return segment


def _title(session: Session, name: str, known: SavedSegment | None) -> str:
    title = characters.line(name)
    if not title:
        raise BadSegment(said("Please give it a name, such as Runners."))
    if len(title) > LONGEST_TITLE:
        raise BadSegment(
            said(
                "A name has %(longest_title)s characters at most; this has %(title)s.",
                longest_title=LONGEST_TITLE,
                title=Number(len(title)),
            )
        )
    same = [one for one in every(session) if one is not known and one.name.casefold() == title.casefold()]
    if same:
        raise BadSegment(said("There is a segment “%(name)s” already.", name=same[0].name))
    return title


def copy(session: Session, segment: SavedSegment, now: datetime) -> SavedSegment:
    """Copy it under an unused name. Raises BadSegment."""
    if not segment.rules.is_readable:
        raise BadSegment(said("Its rules cannot be read, so they cannot be copied."))
    taken = {one.casefold() for one in session.scalars(select(SavedSegment.name))}
    tails = (" (copy)", *(f" (copy {number})" for number in range(2, MOST_SAVED + 2)))
    names = (f"{segment.name[: LONGEST_TITLE - len(tail)]}{tail}" for tail in tails)
    return save(session, next(one for one in names if one.casefold() not in taken), segment.rules, now)
