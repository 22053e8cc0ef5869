"""Bringing an article over: fetched, read, its pictures taken into the library, and put down as a draft.

Fetching and reading come first and hold no transaction; the draft and the rows of its pictures are written together.
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
"""Seconds for all pictures of an article; those that are not here by then stay where they are, as links."""
OFTEN = 3
"""How often a topic's name has to stand in a text to be its topic, where nothing else says so."""
GREETING = "{{ greeting }},\n\n"


class NothingToRead(Exception):
    """The page was fetched, and no article was found in it."""


@dataclass(frozen=True, slots=True)
class Brought:
    """An article, and its pictures as they were fetched, by their addresses. `missed`: pictures that were not."""

    source: str
    title: str
    summary: str
    article: Written
    about: str
    pictures: Mapping[str, Prepared]
    missed: int = 0


def bring(fetcher: Fetcher, url: str) -> Brought:
    """The article at an address, with its pictures. Raises NotFetched, NothingToRead."""
    found = fetcher.get(url, PAGES)
    page = read(found.text(), found.address)
    if page.is_empty:
        raise NothingToRead
    return carry(fetcher, page, found.address)


def carry(fetcher: Fetcher, page: Page, source: str) -> Brought:
    """A page that was read, with its pictures."""
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
            continue  # its words stay, and lead to it
    return taken, len(every) - len(taken)


def put_down(session: Session, brought: Brought, folder: Path, owner_id: int, now: datetime) -> Draft:
    """Keep it as a draft of this owner, and its pictures in the library. Raises OSError where the disk is full."""
    typed = _typed(session, brought, folder, now) | {"topic": _topic(session, brought)}
    return drafts.keep(session, Place(owner_id=owner_id, sitting=drafts.new_sitting()), typed, now)


def write_down(session: Session, brought: Brought, folder: Path, topic: Topic | None, now: datetime) -> Article:
    """Write it as an article about this topic, with its pictures. Raises OSError where the disk is full."""
    typed = _typed(session, brought, folder, now)
    return write(
        session, now, title=typed["title"] or _line(brought.source), subject=typed["subject"],
        preheader=typed["preheader"], body=typed["body"], topic=topic, source_url=source_address(typed["source"]),
    )  # fmt: skip


def _typed(session: Session, brought: Brought, folder: Path, now: datetime) -> dict[str, str]:
    """The fields of the editor; the pictures are put into the library."""
    words = dict(brought.article.pictures)
    codes = {address: media.add(session, folder, one, words[address], now).code
             for address, one in brought.pictures.items()}  # fmt: skip
    body = GREETING + brought.article.with_pictures(codes)
    return {
        "title": _line(brought.title), "subject": _plain(_line(brought.title)), "named": "",
        "preheader": _plain(_line(brought.summary)), "body": body[:LONGEST_BODY], "source": brought.source,
    }  # fmt: skip


def _line(words: str) -> str:
    """As much of it as a line takes, in whole words."""
    line = characters.line(words)
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1].rsplit(" ", 1)[0] + "…"


def _plain(line: str) -> str:
    """A line in which nothing is filled in: subjects and preheaders take variables, and no backslash before them."""
    return line.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")


def _topic(session: Session, brought: Brought) -> str:
    """The slug of the topic whose name its title or its own labels hold, or its text often; "" for none."""
    named = f" {_bare(brought.title)} {_bare(brought.about)} "
    text = f" {_bare(brought.article.text)} "
    best, most = "", OFTEN - 1
    for one in topics.open_ones(session):
        name = f" {_bare(one.name)} "
        found = 1000 if name in named else text.count(name)
        if found > most:
            best, most = one.slug, found
    return best


def _bare(words: str) -> str:
    return " ".join("".join(sign if sign.isalnum() else " " for sign in words.casefold()).split())
