"""Page: a page's title, article and summary, and the feeds it links to."""

import re
from dataclasses import dataclass

from newsletter import characters
from newsletter.readable.inline import address
from newsletter.readable.main_part import main_part
from newsletter.readable.markdown import Written, written
from newsletter.readable.tree import Node, parsed

LEAST = 80
"""Minimum characters of an article."""
FEEDS = ("application/rss+xml", "application/atom+xml")
_SITE = re.compile(r"\s+[|·–—»-]\s+[^|·–—»-]{1,60}\Z")
"""The site's name at the end of a page title."""


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed page. `about`: its keywords, section and tags, to guess the topic."""

    title: str
    summary: str
    article: Written
    about: str

    @property
    def is_empty(self) -> bool:
        """Whether no article was found."""
        return len(self.article.text) < LEAST


def read(html: str, url: str) -> Page:
    """Parse a page. `url`: where it was found. Never raises."""
    tree = parsed(html)
    part = main_part(tree)
    told = _metadata(tree)
    title = characters.line(told.get("og:title") or _first(part, "h1") or _first(tree, "h1") or _named(tree))
    return Page(
        title=title,
        summary=characters.line(told.get("og:description") or told.get("description")),
        article=written(part, _base(tree, url), title),
        about=characters.line(" ".join(told.get(name, "") for name in ("keywords", "article:section", "article:tag"))),
    )


def _metadata(tree: Node) -> dict[str, str]:
    """The page's metadata by name (Open Graph and `meta name`)."""
    found: dict[str, str] = {}
    for one in tree.walk():
        if one.tag == "meta" and (name := one.named("property", "name").strip()) and one.attrs.get("content"):
            found[name] = f"{found[name]} {one.attrs['content']}" if name == "article:tag" and name in found \
                else found.get(name) or one.attrs["content"]  # fmt: skip
    return found


def _first(node: Node, tag: str) -> str:
    return next((words for one in node.walk() if one.tag == tag and (words := one.text())), "")


def _named(tree: Node) -> str:
    return _SITE.sub("", _first(tree, "title"))


def _base(tree: Node, url: str) -> str:
    """The base URL (HTML §4.2.3)."""
    given = next((one.attrs["href"] for one in tree.walk() if one.tag == "base" and one.attrs.get("href")), "")
    return address(url, given) or url


def feeds_of(html: str, url: str) -> list[str]:
    """URLs of the feeds a page links to (autodiscovery), in order."""
    tree = parsed(html)
    base = _base(tree, url)
    links = [one for one in tree.walk() if one.tag == "link" and "alternate" in one.named("rel").split()]
    found = [address(base, one.attrs.get("href", "")) for one in links if one.named("type").strip() in FEEDS]
    return [one for one in dict.fromkeys(found) if one.startswith("http")]
