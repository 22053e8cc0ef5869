"""Finds broken links and pictures in a text without fetching anything."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import topics
from newsletter.articles import Article
from newsletter.guides import Guide
from newsletter.languages import joined, said
from newsletter.mail.render import Written
from newsletter.media import Picture
from newsletter.preflight.check import Check, Level, Mend
from newsletter.settings import ROOT

PAGES = {"", "archive", "feed.xml", "privacy", "cookies", "terms", "check-your-inbox", "icon.svg", "robots.txt",
         "sitemap.xml"}  # fmt: skip
PERSONAL = {
    "confirm": "library_url", "library": "library_url", "download": "library_url", "preferences": "preferences_url",
    "unsubscribe": "unsubscribe_url", "not-me": "unsubscribe_url", "view": "view_url", "own": "preferences_url",
}  # fmt: skip
"""Pages that belong to one person, and the variable for each reader's own."""
NOT_JUDGED = {"embed", "f", "hooks", "api"}
STATIC = ("css", "js", "img")
_HERE = re.compile(r"localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|[^.:]+(?:\.local)?")
_WORD = re.compile(r"zq[vlu]\d+qz")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Checks a text's addresses. `site`: the address of this installation."""

    session: Session
    site: str

    def checks(self, written: Written) -> Iterator[Check]:
        """The checks of a text's links, relative addresses and pictures."""
        dead = [(link, why) for link in _once(written.links) if (why := self._dead(link))]
        if dead:
            bad = [joined((link or said("an empty link"), why)) for link, why in dead]
            yield Check(said("Links"), Level.WARNING, joined((joined(bad, "; "), "."), ""), mend=Mend.TEXT,
                        at=self._as_written(dead[0][0], written))  # fmt: skip
        elif written.links:
            told = said("%(number)s; those of this site lead somewhere.", number=len(set(written.links)))
            yield Check(said("Links"), Level.GOOD, told, mend=Mend.TEXT)
        if written.relative:
            made = ", ".join(_once(written.relative))
            told = said("%(addresses)s: completed with %(site)s.", addresses=made, site=self.site)
            yield Check(said("Relative addresses"), Level.TOLD, told, mend=Mend.TEXT, at=written.relative[0])
        yield from self._pictures(written.pictures)

    def _pictures(self, pictures: Sequence[tuple[str, str]]) -> Iterator[Check]:
        broken = [(src, joined((_short(src), why))) for src, _ in pictures if (why := self._broken(src))]
        if broken:
            told = joined((joined(_once([why for _, why in broken]), "; "), "."), "")
            yield Check(said("Pictures"), Level.BLOCK, told, mend=Mend.TEXT, at=broken[0][0].removeprefix(self.site))
        unsure = [src for src, _ in pictures if self._is_own(src) and not self._broken(src) and self._dead(src)]
        if unsure:
            told = said("%(addresses)s: nothing of ours is there.", addresses=", ".join(_once(unsure)))
            yield Check(said("Pictures"), Level.WARNING, told, mend=Mend.TEXT, at=unsure[0].removeprefix(self.site))
        hosts = _once([urlsplit(src).netloc for src, _ in pictures if not self._is_own(src) and not self._broken(src)])
        if hosts := [one for one in hosts if one]:
            told = said("They lie at %(hosts)s, and are shown as long as they do.", hosts=", ".join(hosts))
            yield Check(said("Pictures from elsewhere"), Level.TOLD, told, mend=Mend.TEXT)
        if bare := [_short(src) for src, words in pictures if not words.strip()]:
            told = said("%(addresses)s: say in their square brackets what they show, for whoever cannot see them.",
                        addresses=", ".join(_once(bare)))  # fmt: skip
            yield Check(said("Pictures without words"), Level.TOLD, told, mend=Mend.TEXT)

    def _as_written(self, link: str, written: Written) -> str:
        """An address as written in the text, as far as that is known."""
        inside = link.removeprefix(self.site)
        return inside if inside in written.relative else _WORD.sub("", link)

    def _is_own(self, address: str) -> bool:
        return address == self.site or address.startswith((f"{self.site}/", f"{self.site}?", f"{self.site}#"))

    def _dead(self, link: str) -> str:
        """Why a link leads nowhere; "" if it leads somewhere or that cannot be told."""
        if not link:
            return said("has no address")
        if link.startswith("#"):
            return said("leads to a place in the text, which mails do not have")
        if _WORD.match(link):
            return ""
        seen = urlsplit(_WORD.sub("x", link))
        if seen.scheme in ("mailto", "tel"):
            return ""
        if seen.scheme not in ("http", "https"):
            return said("is opened by no mail program")
        if self._is_own(link):
            return "" if _WORD.search(link) else self._dead_here(seen.path.removeprefix(urlsplit(self.site).path))
        if _HERE.fullmatch(seen.hostname or "-"):
            return said("leads to no address on the internet")
        return ""

    def _dead_here(self, path: str) -> str:
        first, *rest = [unquote(part) for part in path.strip("/").split("/")]
        if first in PERSONAL and rest:
            return said("is one person's own page: write %(code)s", code="{{ " + PERSONAL[first] + " }}")
        if first == "c" and rest:
            return said("counts a click of one person's mail: write the address that it leads to")
        if first == "owner":
            return said("is a page that only you can open")
        if (first in PAGES and not rest) or first in NOT_JUDGED:
            return ""
        return "" if self._is_there(first, rest) else said("is no page of this site")

    def _is_there(self, first: str, rest: list[str]) -> bool:
        if first == "static":
            return _is_file(rest)
        if first == "media" and len(rest) == 1:
            return self.session.scalar(select(Picture.id).where(Picture.name == rest[0])) is not None
        if first == "archive" and len(rest) == 1:
            look = select(Article.id).where(Article.slug == rest[0], Article.published_at.is_not(None))
            return self.session.scalar(look) is not None
        if first == "topics" and (len(rest) == 1 or rest[1:] == ["feed.xml"]):
            return topics.by_slug(self.session, rest[0]) is not None
        if first == "guides" and rest:
            known = self.session.scalar(select(Guide.id).where(Guide.slug == rest[0])) is not None
            page = len(rest) == 3 and rest[1] == "pages" and re.fullmatch(r"[1-9]\d{0,3}\.png", rest[2]) is not None
            return known and (len(rest) == 1 or page)
        return False

    def _broken(self, src: str) -> str:
        """Why a picture certainly cannot be seen; "" if it may be."""
        if not src:
            return said("a picture has no address")
        if _WORD.search(src):
            return ""
        seen = urlsplit(src)
        if seen.scheme not in ("http", "https"):
            return said("is shown by no mail program: a picture needs an address that begins with https://")
        path = seen.path.removeprefix(urlsplit(self.site).path).strip("/")
        if self._is_own(src) and path.startswith(("static/", "guides/", "media/")) and self._dead_here(path):
            return said("is not there")
        return ""


def _is_file(rest: list[str]) -> bool:
    path = PurePosixPath(*rest) if rest else PurePosixPath()
    return bool(rest) and rest[0] in STATIC and ".." not in path.parts and (ROOT / "static" / path).is_file()


def _once(found: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(found))


def _short(address: str) -> str:
    return address if len(address) <= 80 else f"{address[:79]}…"
