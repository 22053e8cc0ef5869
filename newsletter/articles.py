"""Articles: what is sent. A step or a campaign says when, a Revision says in which words it went out."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, Text, UniqueConstraint, and_, exists, inspect, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, validates

from newsletter import characters
from newsletter.db import Base, Id
from newsletter.slugs import numbered, slugify
from newsletter.topics import Topic

LONGEST_BODY = 200_000
"""Characters: a novella."""
LONGEST_LINE = 200
"""Characters of a title, a subject or a preheader."""


LONGEST_SOURCE = 2000


class Article(Base):
    """A text with a name of its own. Its words are in revisions: the newest counts, the older ones were sent."""

    __tablename__ = "articles"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(String(120), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey(Topic.id), index=True)
    published_at: Mapped[datetime | None] = mapped_column()
    """When it became readable in the public archive; None: not public."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    counts_clicks: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether clicks are counted in its mails, where they are counted at all (`Brand.counts_clicks`)."""
    source_url: Mapped[str] = mapped_column(String(LONGEST_SOURCE), default="", server_default="")
    """Where its words were brought over from; "": they were written here."""

    topic: Mapped[Topic | None] = relationship()
    revisions: Mapped[list["Revision"]] = relationship(order_by="Revision.number", back_populates="article")

    @validates("title")
    def _clean(self, _: str, typed: str) -> str:
        return characters.line(typed)

    newest: Mapped["Revision"] = relationship(primaryjoin=lambda: _is_newest(), viewonly=True, uselist=False)
    """The last of the revisions as it was read; `current` knows of one that was added since."""

    @property
    def current(self) -> "Revision":
        """The words as they stand now. Of an article that was revised fifty times, one revision is read."""
        return self.newest if "revisions" in inspect(self).unloaded else self.revisions[-1]

    def revise(self, now: datetime, *, subject: str, preheader: str, body: str, by: int | None = None) -> "Revision":
        """Give the article these words; the same words again make no new revision. `by`: the owner who wrote them."""
        body = characters.text(body)
        subject, preheader = characters.line(subject), characters.line(preheader)
        if self.revisions:
            last = self.current
            if (last.subject, last.preheader, last.body) == (subject, preheader, body):
                return last
        number = self.revisions[-1].number + 1 if self.revisions else 1
        fresh = Revision(
            number=number, subject=subject, preheader=preheader, body=body, created_at=now, author_id=by
        )  # fmt: skip
        self.revisions.append(fresh)
        self.updated_at = now
        return fresh

    def publish(self, now: datetime) -> None:
        """Make it readable in the archive. A first date stays."""
        self.published_at = self.published_at or now

    def unpublish(self) -> None:
        """Take it out of the archive; links in mails that were sent keep working."""
        self.published_at = None


class Revision(Base):
    """The words of an article at one time. Never changed: what Jane got can always be shown again."""

    __tablename__ = "revisions"
    __table_args__ = (UniqueConstraint("article_id", "number"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"))
    number: Mapped[int]
    subject: Mapped[str] = mapped_column(String(LONGEST_LINE))
    preheader: Mapped[str] = mapped_column(String(LONGEST_LINE), default="")
    body: Mapped[str] = mapped_column(Text)
    """Markdown with variables."""
    created_at: Mapped[datetime]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id"))
    """The owner who wrote them; None: a command did, or they came with the product."""

    article: Mapped[Article] = relationship(back_populates="revisions")

    @validates("subject", "preheader", "body")
    def _clean(self, name: str, typed: str) -> str:
        return characters.text(typed) if name == "body" else characters.line(typed)


def _is_newest() -> ColumnElement[bool]:
    """Joins an article to the revision after which there is none."""
    later = Revision.__table__.alias()
    is_followed = exists().where(later.c.article_id == Revision.article_id, later.c.number > Revision.number)
    return and_(Revision.article_id == Article.id, ~is_followed.correlate(Revision))


def write(session: Session, now: datetime, *, title: str, subject: str, body: str, preheader: str = "",
          topic: Topic | None = None, slug: str = "", by: int | None = None,
          source_url: str = "") -> Article:  # fmt: skip
    """Add an article with its first revision; a slug that is taken gets a number at its end."""
    article = Article(
        slug=_free_slug(session, slug or slugify(title)), title=title, topic=topic, created_at=now, updated_at=now,
        source_url=source_url,
    )  # fmt: skip
    article.revise(now, subject=subject, preheader=preheader, body=body, by=by)
    session.add(article)
    session.flush()
    return article


def source_address(typed: str | None) -> str:
    """An address of the web that words may have come from, as it can be linked to; "" for what is none."""
    line = characters.line(typed)
    return line if line.startswith(("https://", "http://")) and len(line) <= LONGEST_SOURCE else ""


def _free_slug(session: Session, wanted: str) -> str:
    return numbered(wanted, set(session.scalars(select(Article.slug).where(Article.slug.like(f"{wanted}%")))))
