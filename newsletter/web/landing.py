"""A guide's public page: as its owner arranged it, or else from the text in `content/guides/`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import content
from newsletter.brand import Brand
from newsletter.guides import BadGuide, Block, Guide, Kind, LandingPage, inspect
from newsletter.mail.render import BadArticle
from newsletter.media import Picture
from newsletter.web.cards import CONTENT, PagePicture, page_html, page_picture
from newsletter.web.state import runtime

_SECTION = re.compile(r"^(?=## )", re.M)
_NAMED = re.compile(r"## (outcomes|author|questions):(.*)")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Part:
    """A block of the page ready to display: texts as HTML, pictures with their addresses."""

    block: Block
    html: Markup
    answers: tuple[Markup, ...]
    samples: tuple[tuple[int, PagePicture], ...]
    """(page of the PDF, its picture)"""
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class Landing:
    """The content of the page."""

    lead: str
    for_whom: str
    minutes: int
    parts: list[Part] = field(default_factory=list)


def page_of(guide: Guide) -> LandingPage | None:
    """The page that its owner arranged, or else the one in `content/guides/`, if any."""
    return guide.landing_page or written(guide.slug)


def written(slug: str) -> LandingPage | None:
    """The page in `content/guides/`: its text, its sample pages, and at the end a link to the form.

    None if there is no file, or it cannot be read.
    """
    path = CONTENT / "guides" / f"{slug}.md"
    try:
        head, body = content.read(path)
    except FileNotFoundError:
        return None
    except (content.BadContent, OSError) as error:
        log.error("text of a guide's page", file=path.name, error=str(error))
        return None
    samples = tuple(filter(None, map(_number, head.get("sample_pages", "").split(","))))
    blocks = [*_blocks(body), Block(kind=Kind.LINK)]
    if samples:
        blocks.insert(int(blocks[0].kind is Kind.OUTCOMES), Block(kind=Kind.SAMPLES, pages=samples))
    return LandingPage(
        lead=head.get("lead", ""), for_whom=head.get("for", ""), minutes=_number(head.get("minutes", "")),
        blocks=tuple(blocks),
    )  # fmt: skip


def _blocks(body: str) -> Iterator[Block]:
    """The blocks of a text.

    A line “## outcomes:”, “## author:” or “## questions:” opens a block of its kind, which ends at the next `##`; its
    heading follows the colon, or is ours. Everything else is plain text.
    """
    plain = ""
    for section in _SECTION.split(body):
        named = _NAMED.match(section)
        if named is None:
            plain += section
            continue
        if plain.strip():
            yield Block(kind=Kind.TEXT, text=plain)
        plain = ""
        yield _block(Kind(named[1]), named[2].strip(), section[named.end() :])
    if plain.strip():
        yield Block(kind=Kind.TEXT, text=plain)


def _block(kind: Kind, heading: str, text: str) -> Block:
    if kind is Kind.OUTCOMES:
        lines = (line.removeprefix("- ").strip() for line in text.splitlines() if line.startswith("- "))
        return Block(kind=kind, heading=heading, lines=tuple(lines))
    if kind is Kind.QUESTIONS:
        pairs = (asked.partition("\n") for asked in re.split(r"^### ", text, flags=re.M)[1:])
        return Block(
            kind=kind, heading=heading, pairs=tuple((question.strip(), answer) for question, _, answer in pairs)
        )
    return Block(kind=kind, heading=heading, text=text)


def _number(typed: str) -> int:
    """The number typed, of at most five digits; 0 for anything else."""
    plain = typed.strip()
    return int(plain) if plain.isdecimal() and len(plain) < 6 else 0


def shown(session: Session, guide: Guide, brand: Brand, page: LandingPage | None) -> Landing | None:
    """The page with its texts as HTML. Parts that cannot be shown are left out."""
    if page is None:
        return None
    names = {block.picture for block in page.blocks if block.picture}
    look = select(Picture).where(Picture.name.in_(names))
    pictures = {one.name: one for one in session.scalars(look)} if names else {}
    drawn = _pictures(guide, page)
    parts = [_part(guide.slug, block, brand, drawn, pictures.get(block.picture)) for block in page.blocks]
    return Landing(lead=page.lead, for_whom=page.for_whom, minutes=page.minutes, parts=parts)


def _part(slug: str, block: Block, brand: Brand, drawn: dict[int, PagePicture], picture: Picture | None) -> Part:
    html = _html(slug, block.text, brand) if block.markdown and block.text else Markup("")
    answers = tuple(_html(slug, answer, brand) for _, answer in block.pairs)
    samples = tuple((page, drawn[page]) for page in block.pages if page in drawn)
    return Part(block=block, html=html, answers=answers, samples=samples, picture=picture)


def _html(slug: str, text: str, brand: Brand) -> Markup:
    """A text as HTML; empty if it is faulty, so that the page and its form still work."""
    try:
        return page_html(text, brand)
    except BadArticle as error:
        log.error("text of a guide's page", guide=slug, error=str(error))
        return Markup("")


def _pictures(guide: Guide, page: LandingPage) -> dict[int, PagePicture]:
    """The pictures of its sample pages, by page number; pages that the PDF does not have are left out."""
    try:
        seen = inspect(guide.file(runtime().guides))
    except BadGuide:
        return {}
    return {number: page_picture(guide, seen, number) for number in page.sample_pages if number <= seen.pages}
