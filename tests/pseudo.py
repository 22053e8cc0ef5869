"""Two languages that nobody speaks: each sentence stands between ⟦ and ⟧, so what is not marked can be seen.

Esperanto stands in for what is written from left to right, Hebrew for what is written from right to left.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

from babel import Locale
from babel.messages import Catalog
from babel.messages.pofile import write_po

from newsletter.languages import Languages
from scripts import messages

LTR, RTL = "eo", "he"
OPEN, CLOSE = "⟦", "⟧"
ATTRIBUTES = ("title", "aria-label", "placeholder", "alt", "content", "label", "data-label")
DATA = {"viewport", "robots", "color-scheme", "supported-color-schemes", "referrer", "theme-color", "twitter:card"}
"""Kinds of `meta` that hold no words."""
OF_THE_OWNER = {"prose", "book", "typed"}
"""Parts of a page that hold a text of the owner's, or what is held of a reader, and nothing else."""


@lru_cache(1)
def sentences() -> Catalog:
    """All that are marked."""
    return messages.collected()


def catalogue(name: str) -> Catalog:
    """Every sentence between brackets, in as many plurals as the language has."""
    made = Catalog(locale=Locale.parse(name), project="newsletter", charset="utf-8")
    for one in sentences():
        if isinstance(one.id, tuple):
            made.add(one.id, tuple(_bracketed(one.id[1]) for _ in range(made.num_plurals)))
        elif one.id:
            made.add(one.id, _bracketed(one.id), context=one.context)
    return made


def _bracketed(sentence: str) -> str:
    """The space keeps a link at the end of a line apart."""
    return f"{OPEN}{sentence}{' ' if sentence.endswith(')s') else ''}{CLOSE}"


def languages(folder: Path) -> Languages:
    """An installation's languages, with these two among them."""
    for name in (LTR, RTL):
        file = folder / name / "LC_MESSAGES" / "messages.po"
        file.parent.mkdir(parents=True)
        with file.open("wb") as out:
            write_po(out, catalogue(name))
    return Languages(folder)


def unmarked(page: str, data: Iterable[str] = (), *, is_html: bool = True) -> list[str]:
    """What somebody reads that stands in no brackets, less what is data."""
    known = sorted({" ".join(one.split()) for one in data if len(one.strip()) > 2}, key=len, reverse=True)
    pieces = _Page(page).pieces if is_html else [page]
    return [left for piece in pieces for one in _outside(piece) if (left := _without(one, known))]


def _outside(text: str) -> Iterator[str]:
    """The parts of a text that stand in no bracket."""
    deep, part = 0, ""
    for letter in text:
        if letter in (OPEN, CLOSE):
            if part and not deep:
                yield part
            deep, part = deep + (1 if letter == OPEN else -1), ""
        elif not deep:
            part += letter
    if part:
        yield part


def _without(text: str, known: list[str]) -> str:
    text = " ".join(text.split())
    for one in known:
        text = text.replace(one, "·")
    return text if any(letter.isalpha() for letter in text) else ""


class _Page(HTMLParser):
    """All the text of a page in one piece, and each attribute that is read out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.pieces: list[str] = [""]
        self._silent: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if self._silent:
            self._silent += [tag] * (tag == self._silent[0])
            return
        if tag in ("script", "style", "time") or OF_THE_OWNER & set(told.get("class", "").split()):
            self._silent.append(tag)
            return
        about = told.get("name") or told.get("property", "")
        if tag == "meta" and (
            "http-equiv" in told or about in DATA or about.startswith(("og:type", "og:url", "article:"))
        ):
            return
        if about != "og:image":
            self.pieces += [told[name] for name in ATTRIBUTES if name in told]
        self.pieces[0] += " "

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag == self._silent[0]:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces[0] += data


def without_links(text: str) -> str:
    """A mail without its addresses, which are the same in every language."""
    return re.sub(r"https?://[^\s<>\"]+", "", text)
