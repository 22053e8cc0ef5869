"""Which addresses of a text are fetched: those of other sites, and none that could do something for one reader."""

from collections.abc import Iterator
from urllib.parse import urldefrag, urlsplit

from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Content, Renderer
from newsletter.mail.render.code import WORD
from newsletter.mail.render.names import of_brand

MOST = 100
"""Addresses of one article; who names more has a directory."""
SCHEMES = ("http", "https")


def addresses_of(renderer: Renderer, brand: Brand, words: Content) -> list[str]:
    """Where its links lead and its pictures lie, each once; none of what can be no mail.

    Pages of this site are not among them: the preflight knows without fetching whether they are there, and some of them
    are one reader's own (leaving, choices, clicks). Neither is what holds something of a reader.
    """
    try:
        compiled = renderer.compiled(words)
        every = (*compiled.written.links, *compiled.every_destination(of_brand(brand, renderer.site)),
                 *(src for src, _ in compiled.written.pictures))  # fmt: skip
    except BadArticle:
        return []
    return list(dict.fromkeys(_fetched(every, renderer.site)))[:MOST]


def _fetched(every: tuple[str, ...], site: str) -> Iterator[str]:
    here = urlsplit(site).netloc.lower()
    for one in every:
        if WORD.search(one):
            continue
        address = urldefrag(one.strip()).url
        try:
            seen = urlsplit(address)
        except ValueError:
            continue
        if seen.scheme.lower() in SCHEMES and seen.netloc and not (
            seen.netloc.lower() == here and f"{address}/".startswith(f"{site}/")
        ):  # fmt: skip
            yield address
