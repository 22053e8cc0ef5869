"""Owners' templates: text with `{{ … }}` and `{% if … %}`, split into pieces that are filled in one by one.

`code` took the codes out before anything else parsed the text. Here their placeholders are replaced by the codes again:
what is not a code is only ever text.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from newsletter.languages import Number, said
from newsletter.mail.render.code import OUR_WORD, WORD, BadArticle, Code, code_of, hide, refusal
from newsletter.mail.render.expression import Evaluate, Expression, Unknown
from newsletter.mail.render.names import IN_SERIES, OF_THE_BRAND, Values, is_of_reader
from newsletter.mail.render.places import PLAIN, Escaping, Place

DEEPEST = 10
LONGEST_OUTPUT = 1_000_000
"""Characters a filled-in text may have."""
_PLACES = {"v": Place.TEXT, "l": Place.LINK, "u": Place.IN_LINK}


@dataclass(frozen=True, slots=True)
class Output:
    """A place where a value is filled in."""

    code: Code
    expression: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Branches:
    """`if … elif … else`: the first choice whose condition holds. `names`: those the conditions use."""

    choices: list[tuple[Evaluate, "list[Piece]"]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Link:
    """The address of a link whose clicks may be counted."""

    address: "Template"


Piece = str | Output | Branches | Link
StandIn = Callable[[Output, str], str]
Leading = Callable[[str], str]
"""Maps the address of such a link to the one in the mail."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text in pieces. `escaping`: how values are escaped, by place."""

    pieces: list[Piece]
    escaping: Escaping

    @property
    def outputs(self) -> list[Output] | None:
        """The outputs in order; None if a condition depends on the reader, not only on the brand."""
        return _outputs(self.pieces)

    @property
    def reader_names(self) -> frozenset[str]:
        """Those of its names that are made of the reader's fields."""
        return frozenset(filter(is_of_reader, self.names))

    @property
    def names(self) -> frozenset[str]:
        """All names used in outputs and conditions."""
        return frozenset(_names(self.pieces))

    @property
    def links(self) -> list[Link]:
        """The links whose clicks may be counted, in every branch."""
        return list(_links(self.pieces))

    @property
    def literal(self) -> str:
        """The literal text, with nothing filled in."""
        return " ".join(_literal(self.pieces))

    def fill(self, values: Values, stand_in: StandIn | None = None, leading: Leading = str) -> str:
        """The text for one reader. Raises BadArticle.

        `stand_in` may replace a value's text, `leading` a link's address.
        """
        out: list[str] = []
        self._fill(self.pieces, values, stand_in, leading, out)
        filled = "".join(out)
        if len(filled) > LONGEST_OUTPUT:
            raise BadArticle(
                said(
                    "The text becomes longer than %(longest_output)s characters; please shorten it.",
                    longest_output=Number(LONGEST_OUTPUT),
                )
            )
        return filled

    def _fill(self, pieces: list[Piece], values: Values, stand_in: StandIn | None, leading: Leading,
              out: list[str]) -> None:  # fmt: skip
        for piece in pieces:
            if isinstance(piece, str):
                out.append(piece)
            elif isinstance(piece, Output):
                value = _worked(piece, values)
                out.append(self.escaping[piece.place](stand_in(piece, value) if stand_in else value))
            elif isinstance(piece, Link):
                out.append(self.escaping[Place.TEXT](leading(piece.address.fill(values, stand_in))))
            else:
                chosen = next((inner for holds, inner in piece.choices if holds(values)), [])
                self._fill(chosen, values, stand_in, leading, out)


def _outputs(pieces: list[Piece]) -> list[Output] | None:
    found: list[Output] = []
    for piece in pieces:
        if isinstance(piece, Output):
            found.append(piece)
        elif isinstance(piece, Link):
            found += _outputs(piece.address.pieces) or ()
        elif isinstance(piece, Branches):
            inner = [_outputs(one) for _, one in piece.choices]
            if not piece.names <= OF_THE_BRAND or None in inner:
                return None
            found += [output for one in inner for output in one or ()]
    return found


def _names(pieces: list[Piece]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, Output):
            yield from piece.expression.names
        elif isinstance(piece, Link):
            yield from _names(piece.address.pieces)
        elif isinstance(piece, Branches):
            yield from piece.names
            for _, inner in piece.choices:
                yield from _names(inner)


def _links(pieces: list[Piece]) -> Iterator[Link]:
    for piece in pieces:
        if isinstance(piece, Link):
            yield piece
        elif isinstance(piece, Branches):
            for _, inner in piece.choices:
                yield from _links(inner)


def _literal(pieces: list[Piece]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, str):
            yield piece
        elif isinstance(piece, Branches):
            for _, inner in piece.choices:
                yield from _literal(inner)


def _worked(output: Output, values: Values) -> str:
    try:
        return output.expression.text(values)
    except Unknown as unknown:
        if unknown.name == IN_SERIES:
            problem = said(
                "it is only there in the series that follows a guide; elsewhere use library_url, or take it out"
            )
            raise refusal(output.code.where, output.code.source, problem) from None
        raise refusal(
            output.code.where, output.code.source, said("%(name)s has no value here", name=unknown.name)
        ) from None


def assemble(hidden: str, codes: Sequence[Code], escaping: Escaping, addresses: Sequence[str] = ()) -> Template:
    """Build a template from text with placeholders. Raises BadArticle if `if` and `endif` do not match.

    `addresses`: those of links whose clicks may be counted, with placeholders.
    """
    top: list[Piece] = []
    open_ones: list[tuple[Code, Branches]] = []
    pieces, end, strip = top, 0, False
    for match in WORD.finditer(hidden):
        if match[1] == "a":
            between = hidden[end : match.start()]
            pieces += [between.lstrip() if strip else between, Link(_address(match, codes, addresses))]
            strip, end = False, match.end()
            continue
        code = code_of(match, codes)
        between = hidden[end : match.start()]
        between = between.lstrip() if strip else between
        pieces.append(between.rstrip() if code.strips_before else between)
        pieces = _put(pieces, code, _PLACES[match[1]], open_ones, top)
        strip, end = code.strips_behind, match.end()
    if open_ones:
        opened = open_ones[-1][0]
        raise refusal(opened.where, opened.source, said("its %(code)s is missing", code="{% endif %}"))
    top.append(hidden[end:].lstrip() if strip else hidden[end:])
    return Template(top, escaping)


def _address(word: re.Match[str], codes: Sequence[Code], addresses: Sequence[str]) -> Template:
    number = int(word[2])
    if number >= len(addresses):
        raise BadArticle(OUR_WORD)
    return assemble(addresses[number], codes, PLAIN)


def _put(pieces: list[Piece], code: Code, place: Place, open_ones: list[tuple[Code, Branches]],
         top: list[Piece]) -> list[Piece]:  # fmt: skip
    """Append one code; return the list that the next piece goes to."""
    if code.expression:
        pieces.append(Output(code, code.expression, place))
        return pieces
    if code.statement == "#":
        return pieces
    if code.statement == "if":
        if len(open_ones) == DEEPEST:
            raise refusal(code.where, code.source, said("conditions may stand %(most)s deep at most", most=DEEPEST))
        branches = Branches()
        pieces.append(branches)
        open_ones.append((code, branches))
    elif not open_ones:
        raise refusal(code.where, code.source, said("its %(code)s is missing", code="{% if … %}"))
    if code.statement == "endif":
        open_ones.pop()
        # The next text goes into the choice still open around this one.
        return open_ones[-1][1].choices[-1][1] if open_ones else top
    inner: list[Piece] = []
    branches = open_ones[-1][1]
    branches.choices.append((code.condition.holds if code.condition else lambda _: True, inner))
    branches.names.update(code.condition.names if code.condition else ())
    return inner


__all__ = ["WORD", "BadArticle", "Code", "Output", "Template", "assemble", "code_of", "hide", "refusal"]
