"""Picture: an uploaded picture, named by its content. Its uses are found by searching the texts."""

import re
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from sqlalchemy import String, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from newsletter import atomic, characters
from newsletter.articles import Revision
from newsletter.db import Base, Id
from newsletter.media.prepare import Prepared

LONGEST_WORDS = 300
_NAMED = re.compile(r"/media/([A-Za-z0-9-]+\.[A-Za-z0-9]+)")
_SHOWN = re.compile(r"!\[([^\]]*)\]\([^)\s]*/media/([A-Za-z0-9-]+\.[A-Za-z0-9]+)[)\s]")
"""A picture of ours in Markdown: its words, and its name."""


class Picture(Base):
    """A picture of the library."""

    __tablename__ = "pictures"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    words: Mapped[str] = mapped_column(String(LONGEST_WORDS), default="")
    """Alternative text."""
    width: Mapped[int]
    """Displayed size in pixels; the file has up to twice as many."""
    height: Mapped[int]
    octets: Mapped[int]
    was_in_mails: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether mails ever showed it outside an article (as a logo or in an owner's text): sent mails always will."""
    created_at: Mapped[datetime]

    @validates("words")
    def _clean(self, _: str, typed: str) -> str:
        return characters.line(typed)

    @property
    def path(self) -> str:
        """Its path on this site, as used in texts."""
        return f"/media/{self.name}"

    @property
    def code(self) -> str:
        """The Markdown that shows it; the alternative text without characters that have a meaning there."""
        words = "".join(one for one in self.words if one not in "[]\\{}<>*_`")
        return f"![{words}]({self.path})"


def add(session: Session, folder: Path, prepared: Prepared, words: str, now: datetime) -> Picture:
    """Store a picture. If it exists already, returns that, with `words` as its new alternative text unless empty.

    Writes the file before the row. Raises OSError.
    """
    known = session.scalar(select(Picture).where(Picture.name == prepared.name))
    if not (folder / prepared.name).exists():
        atomic.write(folder / prepared.name, prepared.data)
    if known is not None:
        known.words = words or known.words
        return known
    made = Picture(name=prepared.name, words=words, width=prepared.width, height=prepared.height,
                   octets=len(prepared.data), created_at=now)  # fmt: skip
    session.add(made)
    session.flush()
    return made


def uses(session: Session, pictures: list[Picture]) -> dict[int, int]:
    """Number of articles that use each picture, by id. Counts all revisions, because sent mails show them."""
    found: dict[int, set[int]] = {one.id: set() for one in pictures}
    rows = session.execute(select(Revision.article_id, Revision.body).where(Revision.body.contains("/media/")))
    for article_id, body in rows:
        for one in pictures:
            if one.name in body:
                found[one.id].add(article_id)
    return {id: len(articles) for id, articles in found.items()}


def keep(session: Session, names: Collection[str]) -> None:
    """Mark these pictures as shown in mails outside an article, so that they are never removed."""
    for one in session.scalars(select(Picture).where(Picture.name.in_(names))):
        one.was_in_mails = True


def named_in(text: str) -> set[str]:
    """The names of the pictures in a text."""
    return set(_NAMED.findall(text))


def first_in(text: str) -> tuple[str, str] | None:
    """The name of the first picture that a text shows, and its words; None: it shows none of ours."""
    found = _SHOWN.search(text)
    return (found[2], " ".join(found[1].split())) if found else None


def remove(session: Session, folder: Path, picture: Picture) -> bool:
    """Delete a picture; False if an article or a sent mail uses it."""
    if picture.was_in_mails or uses(session, [picture])[picture.id]:
        return False
    session.delete(picture)
    session.flush()
    (folder / picture.name).unlink(missing_ok=True)
    return True
