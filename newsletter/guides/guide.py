"""Guide and GuideRequest: every request sends a new link, even to somebody who has the guide already."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, false, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, validates

from newsletter import characters
from newsletter.contrast import ACCENT, READABLE, contrast
from newsletter.db import Base, Id
from newsletter.guides.files import Files
from newsletter.guides.inspect import BadGuide, inspect
from newsletter.guides.landing import LandingPage
from newsletter.mail import ledger
from newsletter.mail.ledger import Reason
from newsletter.subscribers import Stream, Subscriber

MAIL_GROUND = "#f4f0e8"
"""The darkest background behind links in mails (templates/email/layout.html)."""
_HEX = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
AGAIN_AFTER = timedelta(seconds=30)
"""A second request for the same guide within this is a double click."""
MOST_A_DAY = 6
"""Requests per person and guide in a day; more send nothing, so that our form cannot flood an inbox."""


class Guide(Base):
    """A lead magnet: a title, a sign-up box, and a PDF named after its slug."""

    __tablename__ = "guides"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    box: Mapped[str] = mapped_column(String(500))
    """The sentence in the sign-up box; `{pages}` stands for the file's page count."""
    accent: Mapped[str] = mapped_column(String(16), default=ACCENT)
    topic: Mapped[str] = mapped_column(String(40), default="")
    attach: Mapped[bool] = mapped_column(default=False)
    """Whether the mail also has the PDF attached."""
    position: Mapped[int] = mapped_column(default=0)
    begin: Mapped[str] = mapped_column(String(200), default="", server_default="")
    """The heading its mail suggests to read first, or ""."""
    begin_page: Mapped[int] = mapped_column(default=0, server_default="0")
    """That heading's page; 0: not mentioned."""
    question: Mapped[str] = mapped_column(String(300), default="", server_default="")
    """A question in its mail, to be answered by reply, or ""."""

    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether it is unlisted and takes no sign-ups. Those who have it keep it."""
    edition: Mapped[int] = mapped_column(default=1, server_default="1")
    """The number of the present PDF: how often the owner has uploaded one."""
    landing: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Its landing page (`LandingPage.as_json`), if the owner composed one."""

    @validates("title", "box", "topic", "begin", "question")
    def _clean(self, _: str, typed: str) -> str:
        return characters.line(typed)

    @property
    def landing_page(self) -> LandingPage | None:
        """Its landing page, if the owner composed one."""
        return LandingPage.of_json(self.landing) if self.landing else None

    def file(self, files: Files) -> Path:
        """The path of its PDF."""
        return files.of(self.slug)

    def phone_edition(self, files: Files) -> Path:
        """The path of its phone edition, an HTML fragment built by `make guides`; it may not exist.

        It belongs to the PDF it was built with; an uploaded PDF has none.
        """
        return self.file(files).with_suffix("") / "read.html"

    def pages(self, files: Files) -> int:
        """Its page count, read from the file; 0 if the file is missing or incomplete."""
        try:
            return inspect(self.file(files)).pages
        except BadGuide:
            return 0

    @property
    def mail_accent(self) -> str:
        """The colour of buttons and links in its mails and series; the default if its accent lacks contrast."""
        if _HEX.fullmatch(self.accent) and contrast(self.accent, MAIL_GROUND) >= READABLE:
            return self.accent
        return ACCENT

    def told(self, files: Files) -> dict[str, Any]:
        """The context for its mail."""
        pages = self.pages(files)
        return {
            "title": self.title,
            "slug": self.slug,
            "accent": self.mail_accent,
            "pages": pages,
            "attached": self.attach and pages > 0,
            "begin": self.begin if pages else "",
            "begin_page": self.begin_page if self.begin_page <= pages else 0,
            "question": self.question,
        }

    def box_words(self, files: Files) -> str:
        """The box's sentence with the page count filled in. Raises BadGuide."""
        return self.box.replace("{pages}", str(inspect(self.file(files)).pages))


def mail_accents(session: Session) -> dict[str, str]:
    """Mail colours by slug, where they differ from the default."""
    colours = {guide.slug: guide.mail_accent for guide in session.scalars(select(Guide))}
    return {slug: colour for slug, colour in colours.items() if colour != ACCENT}


class GuideRequest(Base):
    """One request by one person for one guide."""

    __tablename__ = "guide_requests"
    __table_args__ = (Index("ix_guide_requests_person", "subscriber_id", "guide_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"))
    guide_id: Mapped[int] = mapped_column(ForeignKey("guides.id"), index=True)
    requested_at: Mapped[datetime] = mapped_column(index=True)
    fetched_at: Mapped[datetime | None] = mapped_column()
    """When the PDF was first downloaded after this request, if it was."""
    edition: Mapped[int] = mapped_column(default=1, server_default="1")
    """The newest edition that its mail, or a later download, led to."""

    guide: Mapped[Guide] = relationship()


@dataclass(frozen=True, slots=True)
class ShelfEntry:
    """A guide somebody has: when they first requested and first downloaded it."""

    guide: Guide
    requested_at: datetime
    fetched_at: datetime | None


def recently_asked(session: Session, subscriber: Subscriber, guide: Guide, now: datetime) -> bool:
    """Whether this is a double click, or over the daily limit."""
    asked = session.scalars(
        select(GuideRequest.requested_at).where(
            GuideRequest.subscriber_id == subscriber.id,
            GuideRequest.guide_id == guide.id,
            GuideRequest.requested_at > now - timedelta(days=1),
        )
    ).all()
    return len(asked) >= MOST_A_DAY or any(at > now - AGAIN_AFTER for at in asked)


def given_since(session: Session, subscriber: Subscriber, guide: Guide, since: datetime) -> bool:
    """Whether this guide was sent to them at `since` or later."""
    look = select(GuideRequest.id).where(
        GuideRequest.subscriber_id == subscriber.id,
        GuideRequest.guide_id == guide.id,
        GuideRequest.requested_at >= since,
    )
    return session.scalar(look.limit(1)) is not None


def send(session: Session, subscriber: Subscriber, guide: Guide, files: Files, now: datetime, about: dict[str, Any], *,
         due_at: datetime | None = None, held_back: Reason | None = None) -> GuideRequest:  # fmt: skip
    """Record a request and queue the mail with the personal link.

    `about`: further context for the mail: `series`, whether articles follow, or what it asks about. `held_back`: why it
    must not be sent; it is then recorded as cancelled.
    """
    request = GuideRequest(subscriber_id=subscriber.id, guide=guide, requested_at=now, edition=guide.edition)
    session.add(request)
    session.flush()
    ledger.queue(
        session, subscriber, Stream.GUIDE, f"guide:{guide.slug}:{request.id}", now, due_at=due_at, held_back=held_back,
        context={"guide": guide.told(files)} | about,
    )  # fmt: skip
    return request


def shelf(session: Session, subscriber: Subscriber) -> list[ShelfEntry]:
    """The guides this person requested, in display order."""
    rows = session.execute(
        select(Guide, func.min(GuideRequest.requested_at), func.min(GuideRequest.fetched_at))
        .join(GuideRequest, GuideRequest.guide_id == Guide.id)
        .where(GuideRequest.subscriber_id == subscriber.id)
        .group_by(Guide.id)
        .order_by(Guide.position)
    )
    return [ShelfEntry(guide, asked, fetched) for guide, asked, fetched in rows]


def showing(session: Session, name: str) -> list[str]:
    """The titles of the guides whose landing pages use this picture."""
    rows = session.execute(select(Guide.title, Guide.landing).where(Guide.landing.is_not(None)).order_by(Guide.id))
    return [title for title, landing in rows if name in str(landing)]


def fetch(session: Session, subscriber: Subscriber, guide: Guide, now: datetime) -> bool:
    """Record a download; False if this person never requested this guide."""
    asked = (GuideRequest.subscriber_id == subscriber.id, GuideRequest.guide_id == guide.id)
    session.execute(update(GuideRequest).where(*asked, GuideRequest.fetched_at.is_(None)).values(fetched_at=now))
    session.execute(update(GuideRequest).where(*asked, GuideRequest.edition < guide.edition)
                    .values(edition=guide.edition))  # fmt: skip
    return session.scalar(select(GuideRequest.id).where(*asked).limit(1)) is not None
