"""The archive as an Atom feed (RFC 4287).

Texts go through `characters`, because ElementTree also writes characters that XML forbids (XML 1.0 §2.2).
"""

from datetime import datetime
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from newsletter import characters
from newsletter.articles import Article
from newsletter.brand import Brand
from newsletter.topics import Topic
from newsletter.web.published import summary

ATOM = "http://www.w3.org/2005/Atom"


def atom(house: Brand, site: str, entries: list[tuple[Article, str]], now: datetime,
         topic: Topic | None = None) -> bytes:  # fmt: skip
    """The feed of (article, HTML) pairs, newest first, as XML. `topic`: if it is limited to one."""
    own = f"{site}/topics/{topic.slug}/feed.xml" if topic else f"{site}/feed.xml"
    feed = Element("feed", xmlns=ATOM)
    updated = max((article.updated_at for article, _ in entries), default=now)
    # By id, which survives renaming the topic (RFC 4287 §4.2.6).
    _text(feed, "id", f"{site}/feed.xml?topic={topic.id}" if topic else own)
    _text(feed, "title", f"{house.name}: {topic.name}" if topic else house.name)
    _text(feed, "updated", updated.isoformat())
    SubElement(feed, "link", rel="self", href=own)
    SubElement(feed, "link", rel="alternate", href=f"{site}/topics/{topic.slug}" if topic else f"{site}/archive")
    _text(SubElement(feed, "author"), "name", house.author or house.name)
    for article, html in entries:
        entry = SubElement(feed, "entry")
        url = f"{site}/archive/{quote(article.slug)}"
        _text(entry, "id", url)
        _text(entry, "title", article.title)
        _text(entry, "updated", article.updated_at.isoformat())
        if article.published_at:
            _text(entry, "published", article.published_at.isoformat())
        SubElement(entry, "link", rel="alternate", href=url)
        if words := summary(article):
            _text(entry, "summary", words)
        _text(entry, "content", html, type="html")
    xml: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return xml


def _text(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = characters.text(text)
