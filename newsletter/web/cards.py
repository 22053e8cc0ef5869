"""View models of guides, and the texts in `content/` as HTML."""

from dataclasses import dataclass

import structlog
from flask import abort, url_for
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import content
from newsletter.brand import Brand
from newsletter.guides import LARGE, WIDTHS, BadGuide, Guide, Inspection, inspect
from newsletter.mail.render import BadArticle
from newsletter.settings import ROOT
from newsletter.web.language import lazy
from newsletter.web.state import runtime

CONTENT = ROOT / "content"
COVER_WIDTH = WIDTHS[-1]
PREPARED = lazy("This guide is being prepared just now. Please come back a little later.")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePicture:
    """A page of a guide's PDF as a picture; its URLs change with the file."""

    url: str
    """The PNG, `width` by `height` pixels."""
    light: dict[int, str]
    """WebP URLs by width."""
    large: str
    """URL of the WebP that is `LARGE` pixels wide."""
    width: int
    height: int
    large_width: int = LARGE

    @property
    def srcset(self) -> str:
        """The `srcset` attribute of the WebP versions."""
        return ", ".join(f"{url} {width}w" for width, url in self.light.items())


def page_picture(guide: Guide, seen: Inspection, page: int) -> PagePicture:
    """The picture of an existing page."""

    def place(endpoint: str, width: int | None = None) -> str:
        return url_for(f"guide_pages.{endpoint}", slug=guide.slug, page=page, width=width, v=seen.stamp)

    return PagePicture(
        url=place("whole"), light={width: place("light", width) for width in WIDTHS},
        large=place("light", LARGE), width=COVER_WIDTH, height=seen.height(page, COVER_WIDTH),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """A guide as pages show it."""

    slug: str
    title: str
    box: str
    pages: int
    """0 if the file is missing or incomplete."""
    accent: str
    topic: str
    cover: PagePicture | None
    url: str


def card(guide: Guide) -> Card:
    """A guide's card, with page count and cover from its file; a bad file gives a card that says so."""
    url = url_for("public.guide", slug=guide.slug)
    try:
        seen = inspect(guide.file(runtime().guides))
        box = guide.box_words(runtime().guides)
    except BadGuide as error:
        log.error("guide", error=str(error))
        return Card(
            slug=guide.slug,
            title=guide.title,
            box=str(PREPARED),
            pages=0,
            accent=guide.accent,
            topic=guide.topic,
            cover=None,
            url=url,
        )
    return Card(
        slug=guide.slug,
        title=guide.title,
        box=box,
        pages=seen.pages,
        accent=guide.accent,
        topic=guide.topic,
        cover=page_picture(guide, seen, 1),
        url=url,
    )


def guide_or_404(session: Session, slug: str) -> Guide:
    """The guide, or 404; a hidden one only for a signed-in owner, as a preview."""
    found = session.scalar(select(Guide).where(Guide.slug == slug))
    return abort(404) if found is None or (found.hidden and not current_user.is_authenticated) else found


def all_guides(session: Session) -> list[Guide]:
    """All guides including hidden ones, in display order."""
    return list(session.scalars(select(Guide).order_by(Guide.position, Guide.id)))


def shown_guides(session: Session) -> list[Guide]:
    """The guides visitors see, in display order; cached in the session."""
    found: list[Guide] | None = session.info.get("shown_guides")
    if found is None:
        found = session.info["shown_guides"] = [guide for guide in all_guides(session) if not guide.hidden]
    return found


def page_html(body: str, brand: Brand) -> Markup:
    """A text from `content/` as HTML, with the brand filled in. Raises BadArticle."""
    return Markup(runtime().renderer.page(body, brand))  # noqa: S704 - values escaped, cleaned by nh3


def unfit_pages(brand: Brand) -> list[tuple[str, str]]:
    """Texts in `content/` that cannot be rendered: (file name, error)."""
    found = []
    for path in sorted(CONTENT.glob("[gp]*/*.md")):
        try:
            page_html(content.read(path)[1], brand)
        except (BadArticle, content.BadContent, OSError) as error:
            found.append((path.name, str(error)))
    return found
