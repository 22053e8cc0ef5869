"""An owner's article: subject, preheader and Markdown, checked and compiled once, then filled in for each reader.

Codes are taken out, Markdown is parsed, values are filled in, each escaped for its place, and the HTML is sanitised.
So a subscriber called `[x](http://evil)` stays a name, and no value can make a tag or an address.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from newsletter import characters
from newsletter.articles import LONGEST_BODY
from newsletter.languages import SOURCE, Language, Number, said
from newsletter.mail.render import markdown
from newsletter.mail.render.markdown import Written
from newsletter.mail.render.names import NAMES, OF_THE_BRAND, Known, Name, Values, is_of_reader
from newsletter.mail.render.places import HTML, PLAIN
from newsletter.mail.render.template import BadArticle, Leading, Output, StandIn, Template, assemble, hide

MOST_BRACKETS = 20_000
"""Of one kind; a text of nothing but brackets would take Markdown minutes."""
MOST_ADDRESSES = 2_000
"""Typed-out addresses, or what looks like the start of one; each is searched for up to its paragraph's end."""
_ADDRESS = re.compile(r"(?:https?|ftp|mailto):|//|www\.", re.IGNORECASE)
FOR_READERS = tuple(NAMES.values())


@dataclass(frozen=True)
class Compiled:
    """An article's subject, preheader and body as templates."""

    subject: Template
    preheader: Template
    html: Template
    text: Template
    written: Written

    @cached_property
    def templates(self) -> tuple[Template, ...]:
        """All four templates."""
        return (self.subject, self.preheader, self.html, self.text)

    @cached_property
    def is_plain(self) -> bool:
        """Whether a skeleton is possible.

        It is if every output is a bare name, or uses only the reader's fields or only the brand, and no condition
        asks about the reader: nothing can change a reader's link.
        """
        return all(
            template.outputs is not None and all(map(_is_plain, template.outputs)) for template in self.templates
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name used in any part."""
        return frozenset().union(*(template.names for template in self.templates))

    @property
    def literal(self) -> str:
        """The owner's prose: no codes, no code samples, no addresses."""
        return "\n".join((self.subject.literal, self.preheader.literal, self.written.prose))

    def empty(self, values: Values) -> tuple[list[str], list[str]]:
        """The codes that come out empty with these values: in subject and preheader, and in the text."""
        found: list[str] = []

        def note(output: Output, value: str) -> str:
            if not value.strip():
                found.append(output.code.source)
            return value

        self.subject.fill(values, note)
        self.preheader.fill(values, note)
        above, found = found, []
        self.text.fill(values, note)
        return above, found

    def destinations(self, values: Values) -> list[str]:
        """The destinations, for one reader, of links whose clicks may be counted. Raises BadArticle."""
        found: list[str] = []

        def note(address: str) -> str:
            found.append(address)
            return address

        if self.written.counted:
            self.html.fill(values, None, note)
        return found

    def every_destination(self, of_brand: Values) -> list[str]:
        """The same for all readers, in every branch of a condition."""
        return [link.address.fill(of_brand) for link in self.html.links]

    def fill(self, values: Values, stand_in: StandIn | None = None,
             leading: Leading = str) -> tuple[str, str, str, str]:  # fmt: skip
        """Return (subject, preheader, html, text) for one reader. Raises BadArticle."""
        subject, preheader, html, text = (template.fill(values, stand_in, leading) for template in self.templates)
        return " ".join(subject.split()), " ".join(preheader.split()), markdown.clean(html), text


def _is_plain(output: Output) -> bool:
    names = output.expression.names
    return output.expression.bare or all(map(is_of_reader, names)) or names <= OF_THE_BRAND


@lru_cache(maxsize=512)
def compiled(subject: str, preheader: str, body: str, site: str, names: tuple[Name, ...] = FOR_READERS,
             language: Language = SOURCE) -> Compiled:  # fmt: skip
    """Compile an article once. `site` completes relative addresses; dates are written in `language`.

    Raises BadArticle for what is not allowed.
    """
    known = {one.name: one for one in names}
    body = characters.text(body)
    _measure(body)
    hidden, codes = hide(body, known, language)
    written = markdown.read(hidden, codes, site)
    return Compiled(
        subject=_line(subject, known, language, said("in the subject")),
        preheader=_line(preheader, known, language, said("in the preheader")),
        html=assemble(written.html, codes, HTML, written.counted),
        text=assemble(written.text, codes, PLAIN, written.counted),
        written=written,
    )


def _line(source: str, known: Known, language: Language, what: str) -> Template:
    hidden, codes = hide(characters.text(source), known, language, what)
    return assemble(hidden, codes, PLAIN)


def _measure(body: str) -> None:
    if len(body) > LONGEST_BODY:
        raise BadArticle(
            said(
                "The text has %(body)s characters; %(longest_body)s is the most a mail can carry.",
                body=Number(len(body)),
                longest_body=Number(LONGEST_BODY),
            )
        )
    if max(map(body.count, "[]*_`<{!&\\")) > MOST_BRACKETS:
        raise BadArticle(said("The text holds too many brackets, stars or other signs to be read as Markdown."))
    if sum(1 for _ in _ADDRESS.finditer(body)) > 2 * MOST_ADDRESSES:  # "https:" and "//" are two
        raise BadArticle(
            said(
                "The text holds more than %(most_addresses)s addresses; please shorten it.",
                most_addresses=Number(MOST_ADDRESSES),
            )
        )


__all__ = ["BadArticle", "Compiled", "compiled"]
