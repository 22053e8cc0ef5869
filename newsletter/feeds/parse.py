"""Parses feeds: RSS 2.0, 0.91 and 1.0, and Atom (RFC 4287). Refuses entity declarations and excessive nesting.

A DOCTYPE without declarations (as in RSS 0.91) is ignored and its DTD never fetched. HTML's named character references
(`&eacute;`) are resolved as in HTML.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from html.entities import html5
from xml.etree import ElementTree as ET
from xml.parsers import expat

from newsletter import characters
from newsletter.readable import address

MOST = 50
"""Only a feed's first posts are read: feeds start with the newest."""
DEEPEST, MOST_ELEMENTS = 60, 100_000
LONGEST_TITLE, LONGEST_LINK = 200, 2000
_ATOM_HTML = ("html", "text/html")


class NotAFeed(Exception):
    """Not a feed, or not well-formed."""


@dataclass(frozen=True, slots=True)
class Post:
    """A post. `key`: a stable identifier. `html` and `summary` are HTML; either may be ""."""

    key: str
    title: str
    link: str
    html: str
    summary: str


@dataclass(frozen=True, slots=True)
class FeedText:
    """A parsed feed: its title, and its posts, oldest first."""

    title: str
    posts: tuple[Post, ...]


class _Reader:
    """Builds the tree; refuses entity declarations and documents that are too deep or too large."""

    def __init__(self) -> None:
        self._tree, self._depth, self._made = ET.TreeBuilder(), 0, 0
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartDoctypeDeclHandler = self._declared
        self._parser.EntityDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._tree.data
        self._parser.SkippedEntityHandler = self._named

    def read(self, text: str) -> ET.Element:
        """The root element. Raises NotAFeed."""
        try:
            self._parser.Parse(text.lstrip().encode(), True)
            return self._tree.close()
        except (expat.ExpatError, AssertionError):
            raise NotAFeed from None

    def _refuse(self, *_declared: object) -> None:
        raise NotAFeed

    def _declared(self, _name: str, _system: str | None, _public: str | None, has_inside: bool) -> None:
        if has_inside:
            raise NotAFeed

    def _named(self, name: str, is_parameter: bool) -> None:
        if not is_parameter:
            self._tree.data(html5.get(f"{name};", ""))

    def _start(self, name: str, attrs: dict[str, str]) -> None:
        self._depth, self._made = self._depth + 1, self._made + 1
        if self._depth > DEEPEST or self._made > MOST_ELEMENTS:
            raise NotAFeed
        self._tree.start(_local(name), attrs)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(_local(name))


def _local(name: str) -> str:
    """A name without the prefix of a feed's own vocabulary; other prefixes stay, except "content:encoded"."""
    prefix, colon, local = name.rpartition(":")
    if not colon or prefix in ("atom", "a", "rss", "rdf", "dc"):
        return local
    return "encoded" if local == "encoded" else name


def read_feed(text: str, base: str) -> FeedText:
    """Parse a feed. `base`: its URL, for relative links. Raises NotAFeed."""
    root = _Reader().read(text)
    entries = [one for one in root.iter() if one.tag in ("item", "entry")]
    top = root if root.tag == "feed" else root.find("channel")
    if root.tag not in ("rss", "feed", "RDF") or top is None:
        raise NotAFeed
    posts = [one for entry in entries[:MOST] if (one := _post(entry, base)) is not None]
    return FeedText(title=_line(top.findtext("title")), posts=tuple(reversed(posts)))


def _post(entry: ET.Element, base: str) -> Post | None:
    """The post of an item or entry; None if it has no id, link or title to identify it."""
    link = next(_links(entry, base), "")
    own = _line(entry.findtext("guid") or entry.findtext("id")) or link or _line(entry.findtext("title"))
    if not own:
        return None
    html, summary = _markup(entry, "encoded", "content"), _markup(entry, "description", "summary")
    title = _line(_text(entry.find("title"))) or _line(link)
    return Post(key=sha256(own.encode()).hexdigest(), title=title[:LONGEST_TITLE], link=link, html=html,
                summary=summary)  # fmt: skip


def _links(entry: ET.Element, base: str) -> Iterator[str]:
    """A post's URLs: Atom's alternate links (RFC 4287 §4.2.7.2), RSS links, and guids that are permalinks."""
    written = [
        one.get("href") or one.text or "" for one in entry.findall("link") if one.get("rel", "alternate") == "alternate"
    ]
    written += [one.text or "" for one in entry.findall("guid") if one.get("isPermaLink", "true") == "true"]
    for one in written:
        whole = address(base, one) if one.strip() else ""
        if whole.startswith(("http://", "https://")):
            yield whole


def _markup(entry: ET.Element, *names: str) -> str:
    """The HTML of the first of these elements that has any, else ""."""
    for name in names:
        found = entry.find(name)
        if found is None or found.get("src"):
            continue
        if found.get("type") == "xhtml":
            made = ET.tostring(found, encoding="unicode", method="html")
        elif found.get("type") == "text":
            made = _escaped(found.text or "")
        else:
            made = found.text or ""
        if made.strip():
            return made
    return ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _text(found: ET.Element | None) -> str:
    return "" if found is None else "".join(found.itertext())


def _line(text: str | None) -> str:
    return characters.line(text)
