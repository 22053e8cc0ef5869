"""Draft: what somebody has typed into an article's editor and not saved. Nothing of it is ever sent or published.

One editor that is open (a sitting) has one draft, so two tabs never write over each other. Saving closes it; until
then it waits, for whoever comes back after a crash, a lost connection or a session that ended.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, and_, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter import characters
from newsletter.articles import Article
from newsletter.db import Base, Id
from newsletter.languages import marked

LONGEST = 600_000
"""Characters of one field: three times what a mail can carry, for a text that is still to be shortened."""
KEPT, REMEMBERED = timedelta(days=180), timedelta(days=2)
"""How long one waits for its owner, and how long it is known that a sitting was saved."""
MOST = 500
"""Open drafts of one owner; the oldest go first."""
_SITTING = re.compile(r"[\w-]{16,32}\Z", re.ASCII)


class Closed(Exception):
    """This sitting has been saved or thrown away; what is typed now belongs to a new one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is typed: by whom, in which sitting, and into which article (None: a new one)."""

    owner_id: int
    sitting: str
    article_id: int | None = None
    base: int = 0
    """The number of the revision that it began from; 0: none."""


class Draft(Base):
    """The words of one sitting, as they were typed last."""

    __tablename__ = "drafts"
    __table_args__ = (UniqueConstraint("owner_id", "sitting"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id", ondelete="CASCADE"))
    sitting: Mapped[str] = mapped_column(String(32))
    article_id: Mapped[int | None] = mapped_column(ForeignKey("articles.id", ondelete="CASCADE"), index=True)
    """None: an article that is not there yet."""
    base: Mapped[int]
    typed: Mapped[dict[str, str]] = mapped_column(JSON)
    """The fields of the editor by name, as they were typed; nothing of it has been judged."""
    saved_at: Mapped[datetime]
    closed_at: Mapped[datetime | None] = mapped_column()
    """When its words were saved in the article, or thrown away: kept a while, so that what was sent before and comes
    later does not bring it back."""

    article: Mapped[Article | None] = relationship()

    @property
    def title(self) -> str:
        """What it is called, as far as anybody has typed."""
        named = self.typed.get("title") or self.typed.get("subject") or (self.article.title if self.article else "")
        return characters.line(named)[:200] or marked("Without a title")

    def close(self, now: datetime, article: Article | None = None) -> None:
        """Its words are saved, or not wanted."""
        self.closed_at, self.typed, self.article = now, {}, article or self.article


def new_sitting() -> str:
    """A name for an editor that is being opened."""
    return secrets.token_urlsafe(16)


def is_sitting(name: str) -> bool:
    """Whether this can be the name of one."""
    return _SITTING.match(name) is not None


def keep(session: Session, place: Place, typed: Mapping[str, str], now: datetime) -> Draft:
    """Keep what is typed. Raises Closed."""
    draft = _row(session, place, now)
    if draft.closed_at is not None:
        raise Closed
    words = {name: characters.text(value)[:LONGEST] for name, value in typed.items()}
    if (draft.typed, draft.base) != (words, place.base):  # the same once more leaves it as it was
        draft.typed, draft.base, draft.saved_at = words, place.base, now
    return draft


def showing(session: Session, picture: str) -> list[str]:
    """What the drafts are called in which a picture of this name stands."""
    open_ones = session.scalars(select(Draft).where(Draft.closed_at.is_(None)).order_by(Draft.id))
    return [one.title for one in open_ones if picture in one.typed.get("body", "")]


def _row(session: Session, place: Place, now: datetime) -> Draft:
    """The draft of a sitting, locked; a fresh one where there is none."""
    if known := of(session, place, lock=True):
        return known
    _forget_old(session, place.owner_id, now)
    made = Draft(owner_id=place.owner_id, sitting=place.sitting, article_id=place.article_id, base=place.base,
                 typed={}, saved_at=now)  # fmt: skip
    try:
        with session.begin_nested():
            session.add(made)
        return made
    except IntegrityError:  # the same editor was faster by another connection
        known = of(session, place, lock=True)
        if known is None:
            raise
        return known


def of(session: Session, place: Place, *, lock: bool = False) -> Draft | None:
    """The draft of a sitting."""
    look = select(Draft).where(Draft.owner_id == place.owner_id, Draft.sitting == place.sitting)
    return session.scalar(look.with_for_update() if lock else look)


def close(session: Session, place: Place, article: Article, now: datetime) -> None:
    """The words of this sitting are saved in this article. It is remembered also where nothing was kept before."""
    if is_sitting(place.sitting):
        _row(session, place, now).close(now, article)


def saved_by(session: Session, place: Place) -> Article | None:
    """The article that this sitting has made; None where it has made none."""
    known = of(session, place)
    return known.article if known and known.closed_at else None


def drop(session: Session, place: Place) -> None:
    """What is typed is what is saved: there is nothing to keep any more."""
    known = of(session, place, lock=True)
    if known is not None and known.closed_at is None:
        session.delete(known)


def opened(session: Session, article: Article | None = None, *, owner_id: int | None = None) -> Sequence[Draft]:
    """What is not saved, the newest first: of an article, or of an owner, or both."""
    look = select(Draft).where(Draft.closed_at.is_(None)).order_by(Draft.saved_at.desc(), Draft.id.desc()).limit(20)
    if article is not None:
        look = look.where(Draft.article_id == article.id)
    if owner_id is not None:
        look = look.where(Draft.owner_id == owner_id)
    return session.scalars(look).all()


def _forget_old(session: Session, owner_id: int, now: datetime) -> None:
    over = or_(
        and_(Draft.closed_at.is_(None), Draft.saved_at < now - KEPT),
        and_(Draft.closed_at.is_not(None), Draft.closed_at < now - REMEMBERED),
    )
    newest = select(Draft.id).where(Draft.owner_id == owner_id, Draft.closed_at.is_(None)).order_by(Draft.id.desc())
    too_many = session.scalar(newest.offset(MOST - 1).limit(1))
    theirs = Draft.owner_id == owner_id
    session.execute(delete(Draft).where(theirs, or_(over, Draft.id <= (too_many or 0))))
