"""An article's entry in the weekly mail: its title, first words, and a link to the rest."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from newsletter.brand import Brand
from newsletter.mail.render.mail import Content, Reader, one_line, ungreeted
from newsletter.mail.render.renderer import Renderer
from newsletter.mail.render.values import values_of

LONGEST, SHORTEST = 200, 40
"""Characters of an article's first words, if it has no preheader; a shorter paragraph is probably a heading."""
_ADDRESS = re.compile(r"\s*\(https?://[^\s)]*\)|\n *(?:[^\n]{1,300}: )?(?:https?://|[^\s@:]+@)\S+(?=\n|\Z)")
"""A link's address as in the text part: below its paragraph, or after its text."""


@dataclass(frozen=True, slots=True)
class Teaser:
    """An entry filled in for its reader. `message`: the campaign's message, whose page shows all of it."""

    message: int
    title: str
    words: str

    @property
    def kept(self) -> dict[str, Any]:
        """It for the context of the weekly mail's message."""
        return asdict(self)


def teaser(renderer: Renderer, words: Content, brand: Brand, reader: Reader) -> Teaser:
    """An article's entry for this reader. Raises BadArticle if it cannot be filled in."""
    language = renderer.languages.spoken(brand.language)
    values = renderer.plain(brand, values_of(renderer.urls, brand, language, reader, {}), words)
    article = renderer.compiled(ungreeted(words), language)
    said = one_line(article.preheader.fill(values)) or _first(article.text.fill(values))
    return Teaser(message=reader.message, title=one_line(article.subject.fill(values)), words=said)


def _first(text: str) -> str:
    """The first words of a text: its first paragraph of SHORTEST characters or more, cut after a whole word."""
    paragraphs = [one_line(_ADDRESS.sub("", one)) for one in text.split("\n\n")]
    line = next((one for one in paragraphs if len(one) >= SHORTEST), " ".join(filter(None, paragraphs)))
    if len(line) <= LONGEST:
        return line
    return line[:LONGEST].rpartition(" ")[0].rstrip(",;:.–- ") + " …"
