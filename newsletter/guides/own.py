"""Guides uploaded by the owner: adding one, or replacing its PDF."""

from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.guides.accept import Unfit, accept
from newsletter.guides.files import Files
from newsletter.guides.guide import Guide
from newsletter.languages import marked, said
from newsletter.slugs import numbered, slugify

BOX = marked("Subscribe and receive our {pages} page guide FREE.")
LONGEST_SLUG = 64


def add(session: Session, files: Files, received: Path, *, title: str, box: str, topic: str) -> Guide:
    """Create a hidden guide from an uploaded PDF; an empty title defaults to the PDF's. Raises Unfit.

    The file is moved before the commit: a guide without a file would be worse than a file without a guide.
    """
    inside = accept(received)
    named = title or inside[:200]
    if not named:
        raise Unfit(said("Give it a title: the PDF has none inside."))
    last = session.scalar(select(func.max(Guide.position)))
    guide = Guide(
        slug=_free_slug(session, named), title=named, box=box or BOX, topic=topic, hidden=True,
        position=0 if last is None else last + 1,
    )  # fmt: skip
    session.add(guide)
    session.flush()
    files.put(guide.slug, received)
    return guide


def replace(files: Files, guide: Guide, received: Path) -> None:
    """Replace a guide's PDF; links in mails already sent lead to the new one. Raises Unfit."""
    accept(received)
    files.put(guide.slug, received)
    guide.edition += 1


def _free_slug(session: Session, title: str) -> str:
    base = slugify(title)[: LONGEST_SLUG - 6].strip("-")
    taken = set(session.scalars(select(Guide.slug).where(Guide.slug.startswith(base, autoescape=True))))
    return numbered(base, taken)
