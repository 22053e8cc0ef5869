"""Chooses the addresses to fetch: those on other sites, and none that could act on behalf of one reader."""

from collections.abc import Iterator
from urllib.parse import urldefrag, urlsplit

from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Content, Renderer
from newsletter.mail.render.code import WORD
from newsletter.mail.render.names import of_brand

MOST = 100
"""Addresses checked per article; one with more is a directory of links."""
SCHEMES = ("http", "https")


def addresses_of(renderer: Renderer, brand: Brand, words: Content) -> list[str]:
    """The distinct addresses of its links and pictures; none if the article cannot be made into a mail.

    Excludes pages of this site: the preflight checks those without fetching, and some act for one reader (unsubscribe,
    preferences, clicks). Also excludes addresses that contain a code, which may hold a reader's data.
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
