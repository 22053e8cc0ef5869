"""Import an article: fetch and parse its page, take its pictures into the library, and save a draft.

Fetching and parsing hold no transaction; the draft and its pictures' rows are written in one.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from sqlalchemy.orm import Session

from newsletter import characters, drafts, media, topics
from newsletter.articles import LONGEST_BODY, LONGEST_LINE, Article, source_address, write
from newsletter.drafts import Draft, Place
from newsletter.fetch import PAGES, PICTURES, Fetcher, NotFetched
from newsletter.media import BadPicture, Prepared
from newsletter.readable import Page, Written, read
from newsletter.topics import Topic

MOST_PICTURES = 20
PICTURES_TAKE = 12.0
"""Seconds for all pictures of an article; those not fetched by then stay links."""
OFTEN = 3
"""How often a text must mention a topic's name to be given that topic, failing better evidence."""
GREETING = "{{ greeting }},\n\n"


class NothingToRead(Exception):
    """The page was fetched but holds no article."""


@dataclass(frozen=True, slots=True)
class Brought:
    """An article and its fetched pictures by URL. `missed`: how many pictures could not be fetched."""

    source: str
    title: str
    summary: str
    article: Written
    about: str
    pictures: Mapping[str, Prepared]
    missed: int = 0


def bring(fetcher: Fetcher, url: str) -> Brought:
    """Fetch the article at a URL, with its pictures. Raises NotFetched, NothingToRead."""
    found = fetcher.get(url, PAGES)
    page = read(found.text(), found.address)
    if page.is_empty:
        raise NothingToRead
    return carry(fetcher, page, found.address)


def carry(fetcher: Fetcher, page: Page, source: str) -> Brought:
    """A parsed page with its pictures fetched. `source`: the page's URL."""
    pictures, missed = _pictures(fetcher, page.article.pictures)
    return Brought(source=source, title=page.title, summary=page.summary, article=page.article, about=page.about,
                   pictures=pictures, missed=missed)  # fmt: skip


def _pictures(fetcher: Fetcher, shown: Sequence[tuple[str, str]]) -> tuple[dict[str, Prepared], int]:
    taken: dict[str, Prepared] = {}
    every, until = list(dict.fromkeys(address for address, _ in shown)), time.monotonic() + PICTURES_TAKE
    for address in every[:MOST_PICTURES]:
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            taken[address] = media.prepare(BytesIO(fetcher.get(address, PICTURES, patience=left).body))
        except (NotFetched, BadPicture):
            continue  # stays a link
    return taken, len(every) - len(taken)


def put_down(session: Session, brought: Brought, folder: Path, owner_id: int, now: datetime) -> Draft:
    """Save it as this owner's draft, and its pictures in the library. Raises OSError (disk full)."""
    typed = _editor_fields(session, brought, folder, now) | {"topic": _topic(session, brought)}
    return drafts.keep(session, Place(owner_id=owner_id, sitting=drafts.new_sitting()), typed, now)


def write_down(session: Session, brought: Brought, folder: Path, topic: Topic | None, now: datetime) -> Article:
    """Save it as an article on this topic, and its pictures in the library. Raises OSError (disk full)."""
    typed = _editor_fields(session, brought, folder, now)
    return write(
        session, now, title=typed["title"] or _line(brought.source), subject=typed["subject"],
        preheader=typed["preheader"], body=typed["body"], topic=topic, source_url=source_address(typed["source"]),
    )  # fmt: skip


def _editor_fields(session: Session, brought: Brought, folder: Path, now: datetime) -> dict[str, str]:
    """Add its pictures to the library; returns the editor's fields."""
    words = dict(brought.article.pictures)
    codes = {address: media.add(session, folder, one, words[address], now).code
             for address, one in brought.pictures.items()}  # fmt: skip
    body = GREETING + brought.article.with_pictures(codes)
    return {
        "title": _line(brought.title), "subject": _plain(_line(brought.title)), "named": "",
        "preheader": _plain(_line(brought.summary)), "body": body[:LONGEST_BODY], "source": brought.source,
    }  # fmt: skip


def _line(words: str) -> str:
    """The text as one line, shortened to `LONGEST_LINE` between words."""
    line = characters.line(words)
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1].rsplit(" ", 1)[0] + "…"


def _plain(line: str) -> str:
    """A line without template syntax: subjects and preheaders are templates and have no escape character."""
    return line.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")


def _topic(session: Session, brought: Brought) -> str:
    """Slug of the topic named in its title or labels, or at least `OFTEN` times in its text; "" if none."""
    named = f" {_normalised(brought.title)} {_normalised(brought.about)} "
    text = f" {_normalised(brought.article.text)} "
    best, most = "", OFTEN - 1
    for one in topics.open_ones(session):
        name = f" {_normalised(one.name)} "
        found = 1000 if name in named else text.count(name)
        if found > most:
            best, most = one.slug, found
    return best


def _normalised(words: str) -> str:
    return " ".join("".join(sign if sign.isalnum() else " " for sign in words.casefold()).split())
