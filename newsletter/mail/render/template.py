"""Templates of an owner: text with `{{ … }}` and `{% if … %}`, cut into pieces that are filled in one by one.

The code is taken out of the text before anything else reads that, and words that nothing else changes stand in for it
(`hide`). Afterwards `Template` puts the words and the codes together again: what is no code is only ever text.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from newsletter.mail.render.expression import Condition, Evaluate, Expression, Refused, Unknown, parse, parse_condition
from newsletter.mail.render.names import IN_SERIES, OF_THE_BRAND, Known, Values, is_of_reader
from newsletter.mail.render.places import Escaping, Place

LONGEST_CODE = 400
MOST_CODES = 1000
DEEPEST = 10
LONGEST_OUTPUT = 1_000_000
"""Characters: what a text may become at most."""
_CODE = re.compile(
    r"""(?:[^'"%}#]|'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"|[%}#](?!\}))*""", re.DOTALL
)  # fmt: skip
_ENDS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_OPENS = re.compile(r"\{[{%#]")
WORD = re.compile(r"zq([vlu])(\d{1,4})qz")
"""What stands in for a code: in text (v), at the beginning of an address (l), or inside one (u)."""
_PLACES = {"v": Place.TEXT, "l": Place.LINK, "u": Place.IN_LINK}
_STATEMENT = re.compile(r"\s*(\w+)\s*(.*?)\s*\Z", re.DOTALL)
OUR_WORD = "The text holds a word that the product needs for itself (zqv…qz); please change it."


class BadArticle(ValueError):
    """The owner's text cannot be made into a mail; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a text, checked. `statement`: if, elif, else, endif; "" puts out an expression, "#" nothing."""

    source: str
    where: str
    statement: str = ""
    expression: Expression | None = None
    condition: Condition | None = None

    @property
    def strips_before(self) -> bool:
        """Whether it takes the white space in front of it away (`{{-`)."""
        return self.source.startswith("-", 2)

    @property
    def strips_behind(self) -> bool:
        """Whether it takes the white space behind it away (`-}}`)."""
        return self.source.endswith("-", 0, -2)


def hide(source: str, known: Known, what: str = "") -> tuple[str, list[Code]]:
    """The text with a word in place of each code, and the codes. Raises BadArticle for what is not allowed.

    `what` names the text where it has one line only ("the subject").
    """
    if WORD.search(source):
        raise BadArticle(OUR_WORD)
    out: list[str] = []
    codes: dict[str, tuple[int, Code]] = {}
    end, line = 0, 1
    for start, stop in _found(source):
        line += source.count("\n", end, start)
        code = source[start:stop]
        if code not in codes:  # the same code is the same word: a link whose text is its address stays one
            codes[code] = (len(codes), _read(code, f"in {what}" if what else f"in line {line}", known))
        out += [source[end:start], f"zqv{codes[code][0]}qz"]
        line += code.count("\n")
        end = stop
        if len(out) > 2 * MOST_CODES:
            raise BadArticle(f"The text holds more than {MOST_CODES:,} variables and conditions; please shorten it.")
    return "".join([*out, source[end:]]), [code for _, code in codes.values()]


def code_of(word: re.Match[str], codes: Sequence[Code]) -> Code:
    """The code that a word stands for. Markdown can make such a word of something else: that raises BadArticle."""
    number = int(word[2])
    if number >= len(codes):
        raise BadArticle(OUR_WORD)
    return codes[number]


def _found(source: str) -> Sequence[tuple[int, int]]:
    """Where codes stand. What opens and does not close within its length is text."""
    found, at = [], 0
    while match := _OPENS.search(source, at):
        start, close = match.start(), _ENDS[match[0]]
        read = _CODE.match(source, start + 2, start + LONGEST_CODE)
        end = read.end() if read else start + 2
        if match[0] == "{#" or not source.startswith(close, end):  # a quote that is never closed
            end = source.find(close, start + 2, start + LONGEST_CODE)
        if end < 0:
            at = start + 2
        else:
            found.append((start, end + 2))
            at = end + 2
    return found


def _read(source: str, where: str, known: Known) -> Code:
    inner = source[2:-2].strip("-+")
    try:
        if source.startswith("{#"):
            return Code(source, where, "#")
        if source.startswith("{{"):
            return Code(source, where, expression=parse(inner, known))
        word, rest = _statement(inner)
        condition = parse_condition(rest, known) if word in ("if", "elif") else None
        if condition is None and rest:
            raise Refused(f"nothing may stand behind {word}")
        return Code(source, where, word, condition=condition)
    except Refused as refused:
        raise refusal(where, source, refused) from None


def _statement(inner: str) -> tuple[str, str]:
    match = _STATEMENT.match(inner)
    word, rest = (match[1], match[2]) if match else ("", "")
    if word not in ("if", "elif", "else", "endif"):
        raise Refused(
            "of statements only if, elif, else and endif are known: {% if first_name %}…{% else %}…{% endif %}"
        )
    return word, rest


def refusal(where: str, source: str, reason: object) -> BadArticle:
    """Return what to raise about a code."""
    shown = source if len(source) <= 80 else source[:79] + "…"
    return BadArticle(f"{shown} {where}: {reason}.")


@dataclass(frozen=True, slots=True)
class Output:
    """A place where something is filled in."""

    code: Code
    expression: Expression
    place: Place


@dataclass(frozen=True, slots=True)
class Branches:
    """`if … elif … else`: the first whose condition holds. `names`: what the conditions ask about."""

    choices: list[tuple[Evaluate, "list[Piece]"]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


Piece = str | Output | Branches
StandIn = Callable[[Output, str], str]


@dataclass(frozen=True, slots=True)
class Template:
    """A text in pieces. `escaping`: how a value is written in it, by its place."""

    pieces: list[Piece]
    escaping: Escaping

    @property
    def outputs(self) -> list[Output] | None:
        """What is filled in, in order; None where a condition asks about the reader (the brand is everybody's)."""
        return _outputs(self.pieces)

    @property
    def reader_names(self) -> frozenset[str]:
        """Those of its names that stand for what is held of the reader."""
        return frozenset(filter(is_of_reader, self.names))

    @property
    def names(self) -> frozenset[str]:
        """All that it names, in what is filled in and in conditions."""
        return frozenset(_names(self.pieces))

    @property
    def literal(self) -> str:
        """What is written, with nothing filled in."""
        return " ".join(_literal(self.pieces))

    def fill(self, values: Values, stand_in: StandIn | None = None) -> str:
        """The text for one reader. Raises BadArticle. `stand_in` may put another text in place of a value."""
        out: list[str] = []
        self._fill(self.pieces, values, stand_in, out)
        filled = "".join(out)
        if len(filled) > LONGEST_OUTPUT:
            raise BadArticle(f"The text becomes longer than {LONGEST_OUTPUT:,} characters; please shorten it.")
        return filled

    def _fill(self, pieces: list[Piece], values: Values, stand_in: StandIn | None, out: list[str]) -> None:
        for piece in pieces:
            if isinstance(piece, str):
                out.append(piece)
            elif isinstance(piece, Output):
                value = _worked(piece, values)
                out.append(self.escaping[piece.place](stand_in(piece, value) if stand_in else value))
            else:
                chosen = next((inner for holds, inner in piece.choices if holds(values)), [])
                self._fill(chosen, values, stand_in, out)


def _outputs(pieces: list[Piece]) -> list[Output] | None:
    found: list[Output] = []
    for piece in pieces:
        if isinstance(piece, Output):
            found.append(piece)
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
        elif isinstance(piece, Branches):
            yield from piece.names
            for _, inner in piece.choices:
                yield from _names(inner)


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
            told = "it is only there in the series that follows a guide; elsewhere use library_url, or take it out"
            raise refusal(output.code.where, output.code.source, told) from None
        raise refusal(output.code.where, output.code.source, f"{unknown.name} has no value here") from None


def assemble(hidden: str, codes: Sequence[Code], escaping: Escaping) -> Template:
    """A text with words in it as a template. Raises BadArticle where if and endif do not match."""
    top: list[Piece] = []
    open_ones: list[tuple[Code, Branches]] = []
    pieces, end, strip = top, 0, False
    for match in WORD.finditer(hidden):
        code = code_of(match, codes)
        between = hidden[end : match.start()]
        between = between.lstrip() if strip else between
        pieces.append(between.rstrip() if code.strips_before else between)
        pieces = _put(pieces, code, _PLACES[match[1]], open_ones, top)
        strip, end = code.strips_behind, match.end()
    if open_ones:
        opened = open_ones[-1][0]
        raise refusal(opened.where, opened.source, "its {% endif %} is missing")
    top.append(hidden[end:].lstrip() if strip else hidden[end:])
    return Template(top, escaping)


def _put(pieces: list[Piece], code: Code, place: Place, open_ones: list[tuple[Code, Branches]],
         top: list[Piece]) -> list[Piece]:  # fmt: skip
    """Put one code behind these pieces; where the next one goes."""
    if code.expression:
        pieces.append(Output(code, code.expression, place))
        return pieces
    if code.statement == "#":
        return pieces
    if code.statement == "if":
        if len(open_ones) == DEEPEST:
            raise refusal(code.where, code.source, f"conditions may stand {DEEPEST} deep at most")
        branches = Branches()
        pieces.append(branches)
        open_ones.append((code, branches))
    elif not open_ones:
        raise refusal(code.where, code.source, "its {% if … %} is missing")
    if code.statement == "endif":
        open_ones.pop()
        # Where the next text goes: into the choice that is still open around it.
        return open_ones[-1][1].choices[-1][1] if open_ones else top
    inner: list[Piece] = []
    branches = open_ones[-1][1]
    branches.choices.append((code.condition.holds if code.condition else lambda _: True, inner))
    branches.names.update(code.condition.names if code.condition else ())
    return inner


__all__ = ["WORD", "BadArticle", "Code", "Output", "Template", "assemble", "code_of", "hide", "refusal"]
