"""Picture: one that was sent, under a name made of its content. What shows it is found in the texts themselves."""

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


class Picture(Base):
    """A picture of the library."""

    __tablename__ = "pictures"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    words: Mapped[str] = mapped_column(String(LONGEST_WORDS), default="")
    """What it shows, for whoever cannot see it."""
    width: Mapped[int]
    """In pixels, where it is shown; it has up to twice as many."""
    height: Mapped[int]
    octets: Mapped[int]
    was_in_mails: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether mails showed it at some time outside an article, as their logo or in an owner's words: those that were
    sent show it for ever."""
    created_at: Mapped[datetime]

    @validates("words")
    def _clean(self, _: str, typed: str) -> str:
        return characters.line(typed)

    @property
    def path(self) -> str:
        """Its path on this site, as a text names it."""
        return f"/media/{self.name}"

    @property
    def code(self) -> str:
        """What to write into a text to show it. What would end the words early is left out of them."""
        words = "".join(one for one in self.words if one not in "[]\\{}<>*_`")
        return f"![{words}]({self.path})"


def add(session: Session, folder: Path, prepared: Prepared, words: str, now: datetime) -> Picture:
    """Keep a picture. The same one again is the one there is; it takes these words, if there are any.

    Its file is there before its row is. Raises OSError.
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
    """In how many articles each of these stands, in words of today or of earlier: mails that were sent show it too."""
    found: dict[int, set[int]] = {one.id: set() for one in pictures}
    rows = session.execute(select(Revision.article_id, Revision.body).where(Revision.body.contains("/media/")))
    for article_id, body in rows:
        for one in pictures:
            if one.name in body:
                found[one.id].add(article_id)
    return {id: len(articles) for id, articles in found.items()}


def keep(session: Session, names: Collection[str]) -> None:
    """These pictures are in mails from now on, outside an article, and are never removed."""
    for one in session.scalars(select(Picture).where(Picture.name.in_(names))):
        one.was_in_mails = True


def named_in(text: str) -> set[str]:
    """The names of the pictures that a text shows."""
    return set(_NAMED.findall(text))


def remove(session: Session, folder: Path, picture: Picture) -> bool:
    """Delete a picture that stands in no article and no mail. False: it stands in one, or did when that was sent."""
    if picture.was_in_mails or uses(session, [picture])[picture.id]:
        return False
    session.delete(picture)
    session.flush()
    (folder / picture.name).unlink(missing_ok=True)
    return True
