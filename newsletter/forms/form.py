"""Form: what it gives, what it asks, its words and colours, and what a sign-up by it brings. Never who signed up."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from newsletter import characters
from newsletter.db import Base, Id
from newsletter.forms.colours import Colours
from newsletter.slugs import numbered
from newsletter.subscribers import clean_tag

FOOTER = "footer"
"""The form that stands below every page of ours."""
MOST_TAGS = 20
MOST_ASKED = 20
"""Own fields that one form may ask for: nobody fills in more."""
LONGEST_SLUG = 64
RESERVED = ("frame", "prove")
"""`/embed/frame.js` is the script beside an iframe."""
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
GROUND, INK, ACCENT = "#ffffff", "#1d2a2a", "#0f5f63"


class Gives(StrEnum):
    """What a sign-up asks for."""

    GUIDE = "guide"
    NEWSLETTER = "newsletter"


class Form(Base):
    """One form. An archived one takes no sign-ups any more and says so wherever it still stands."""

    __tablename__ = "forms"
    __table_args__ = (
        CheckConstraint("gives IN ('guide', 'newsletter')", name="gives"),
        CheckConstraint("(gives = 'guide') = (guide_slug IS NOT NULL)", name="a_guide_or_none"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(String(LONGEST_SLUG), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    """For the owner; visitors never see it."""
    gives: Mapped[Gives]
    guide_slug: Mapped[str | None] = mapped_column(String(64), index=True)
    headline: Mapped[str] = mapped_column(String(120), default="")
    """What readers get out of it."""
    words: Mapped[str] = mapped_column(String(500), default="")
    """A sentence below the headline. Empty: that of the guide's box."""
    button: Mapped[str] = mapped_column(String(60))
    consent_words: Mapped[str] = mapped_column(String(400), default="")
    """Stands behind our own sentence of what a sign-up brings, and is kept with each consent, word for word."""
    asks_name: Mapped[bool] = mapped_column(default=True)
    asks_fields: Mapped[list[str]] = mapped_column(JSON, default=list)
    """The keys of the owner's own fields that it asks for. One that was deleted since is asked for no more."""
    offers_newsletter: Mapped[bool] = mapped_column(default=True)
    """Whether a form that gives a guide has the (unticked) box for the newsletter."""
    offers_topics: Mapped[bool] = mapped_column(default=False)
    """Whether it lets people choose among the topics, where it gives or offers the newsletter."""
    fixed_topics: Mapped[list[int]] = mapped_column(JSON, default=list)
    """The numbers of the topics that the newsletter by it is about, where its owner has settled them; none: nobody has.
    """
    shows_cover: Mapped[bool] = mapped_column(default=True)
    picture: Mapped[str | None] = mapped_column(String(64))
    """The name of a picture of the library, which stands in the cover's place."""
    picture_words: Mapped[str] = mapped_column(String(300), default="")
    """What it shows, for whoever cannot see it."""
    ground: Mapped[str] = mapped_column(String(7), default=GROUND)
    ink: Mapped[str] = mapped_column(String(7), default=INK)
    accent: Mapped[str] = mapped_column(String(7), default=ACCENT)
    language: Mapped[str | None] = mapped_column(String(16))
    """What its pages are in, and what who signs up by it is written to in; None: the newsletter's."""
    after_url: Mapped[str] = mapped_column(String(300), default="")
    """Where it goes afterwards; empty: our page that says to look into the inbox."""
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Given by the press in the reader's own mail, as everything else that a sign-up brings."""
    sequence_id: Mapped[int | None] = mapped_column(ForeignKey("sequences.id"))
    """A series that the same press starts, besides the guide's own."""
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None] = mapped_column()

    @validates("name", "headline", "words", "button", "consent_words", "picture_words")
    def _clean(self, _: str, typed: str) -> str:
        return characters.line(typed)

    @validates("tags")
    def _clean_tags(self, _: str, typed: list[str]) -> list[str]:
        return list(dict.fromkeys(filter(None, map(clean_tag, typed))))[:MOST_TAGS]

    @validates("asks_fields")
    def _few(self, _: str, keys: list[str]) -> list[str]:
        return list(dict.fromkeys(keys))[:MOST_ASKED]

    @validates("ground", "ink", "accent")
    def _small(self, _: str, typed: str) -> str:
        return typed.lower()

    @property
    def colours(self) -> Colours:
        """Its three colours."""
        return Colours(self.ground, self.ink, self.accent)

    @property
    def is_open(self) -> bool:
        """Whether it takes sign-ups."""
        return self.archived_at is None

    @property
    def lets_choose(self) -> bool:
        """Whether people choose among the topics of the newsletter that it gives or offers."""
        return bool(self.offers_topics and not self.fixed_topics and (self.gives_newsletter or self.offers_newsletter))

    @property
    def gives_newsletter(self) -> bool:
        """Whether sending it is a word for the newsletter, without a box to tick."""
        return self.gives is Gives.NEWSLETTER

    def archive(self, now: datetime) -> None:
        """Take no more sign-ups. Those that wait for their press keep what they were promised."""
        self.archived_at = self.archived_at or now

    def restore(self) -> None:
        """Take sign-ups again."""
        self.archived_at = None


def standard(guide_slug: str, title: str, now: datetime) -> Form:
    """The form that a guide begins with; it is not stored yet."""
    return Form(
        slug=guide_slug, name=f"Box: {title}"[:120], gives=Gives.GUIDE, guide_slug=guide_slug, headline=title[:120],
        button="Send me the guide", created_at=now,
    )  # fmt: skip


def named(session: Session, slug: str) -> Form | None:
    """The form with this slug, archived or not."""
    return session.scalar(select(Form).where(Form.slug == slug)) if is_slug(slug) else None


def open_form(session: Session, slug: str) -> Form | None:
    """The form with this slug, if it takes sign-ups."""
    found = named(session, slug)
    return found if found is not None and found.is_open else None


def for_guides(session: Session, titles: Mapping[str, str], now: datetime) -> dict[str, Form]:
    """The form that stands on the page of each guide and on the home page: its oldest open one, else the standard one.

    `titles`: the guides' titles by slug.
    """
    look = select(Form).where(Form.guide_slug.in_(titles), Form.archived_at.is_(None)).order_by(Form.id.desc())
    oldest = {form.guide_slug: form for form in session.scalars(look)}
    return {slug: oldest.get(slug) or standard(slug, title, now) for slug, title in titles.items()}


def asking(session: Session, key: str) -> list[Form]:
    """The forms that ask for this field of the owner's."""
    return [one for one in every(session) if key in one.asks_fields]


def asked_for(session: Session) -> set[str]:
    """The keys of all fields of the owner's that open forms ask for."""
    rows = session.scalars(select(Form.asks_fields).where(Form.archived_at.is_(None)))
    return {key for keys in rows for key in keys}


def showing(session: Session, name: str) -> list[str]:
    """What the forms are called in which a picture of this name stands."""
    return list(session.scalars(select(Form.name).where(Form.picture == name).order_by(Form.id)))


def every(session: Session) -> list[Form]:
    """All forms, the open ones first."""
    return list(session.scalars(select(Form).order_by(Form.archived_at.is_not(None), Form.id)))


def is_slug(typed: str) -> bool:
    """Whether a form may have this name in addresses."""
    return len(typed) <= LONGEST_SLUG and _SLUG.match(typed) is not None and typed not in RESERVED


def free_slug(session: Session, wanted: str) -> str:
    """This slug, or the next free one behind it: `footer-2`."""
    base = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[: LONGEST_SLUG - 6].strip("-") or "form"
    taken = set(session.scalars(select(Form.slug).where(Form.slug.startswith(base, autoescape=True)))) | set(RESERVED)
    return numbered(base, taken)


_COPIED = ("gives", "guide_slug", "headline", "words", "button", "consent_words", "asks_name", "asks_fields",
           "offers_newsletter", "offers_topics", "fixed_topics", "shows_cover", "picture", "picture_words",
           "ground", "ink", "accent", "language", "after_url", "tags", "sequence_id")  # fmt: skip


def copy_of(session: Session, form: Form, now: datetime) -> Form:
    """A new, open form that begins as this one stands; added to the session."""
    values: dict[str, Any] = {name: getattr(form, name) for name in _COPIED}
    made = Form(
        slug=free_slug(session, re.sub(r"-\d+\Z", "", form.slug)), name=f"{form.name[:112]} (copy)", created_at=now,
        **values,
    )  # fmt: skip
    session.add(made)
    return made
