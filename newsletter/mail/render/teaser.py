"""An article in the weekly mail: its subject, its first words, and the page on which its reader reads on."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from newsletter.brand import Brand
from newsletter.mail.render.mail import Content, Reader, one_line, ungreeted
from newsletter.mail.render.renderer import Renderer
from newsletter.mail.render.values import values_of

LONGEST, SHORTEST = 200, 40
"""Characters of an article's first words, where it has no preheader; a shorter paragraph is a heading, say."""
_ADDRESS = re.compile(r"\s*\(https?://[^\s)]*\)|\n *(?:[^\n]{1,300}: )?(?:https?://|[^\s@:]+@)\S+(?=\n|\Z)")
"""Where a link leads, as the text part says it: below its paragraph, or behind its words."""


@dataclass(frozen=True, slots=True)
class Teaser:
    """What stands there, filled in for its reader. `message`: the campaign's own, whose page shows the whole."""

    message: int
    title: str
    words: str

    @property
    def kept(self) -> dict[str, Any]:
        """For the context of the weekly mail's message."""
        return asdict(self)


def teaser(renderer: Renderer, words: Content, brand: Brand, reader: Reader) -> Teaser:
    """The article in the weekly mail of this reader. Raises BadArticle when it cannot be filled in."""
    language = renderer.languages.spoken(brand.language)
    values = renderer.plain(brand, values_of(renderer.urls, brand, language, reader, {}), words)
    article = renderer.compiled(ungreeted(words), language)
    said = one_line(article.preheader.fill(values)) or _first(article.text.fill(values))
    return Teaser(message=reader.message, title=one_line(article.subject.fill(values)), words=said)


def _first(text: str) -> str:
    """The first words of a text: its first paragraph that says something, cut behind a whole word."""
    paragraphs = [one_line(_ADDRESS.sub("", one)) for one in text.split("\n\n")]
    line = next((one for one in paragraphs if len(one) >= SHORTEST), " ".join(filter(None, paragraphs)))
    if len(line) <= LONGEST:
        return line
    return line[:LONGEST].rpartition(" ")[0].rstrip(",;:.–- ") + " …"
