"""Takes the codes, `{{ … }}` and `{% if … %}`, out of an owner's text before anything else parses it.

Placeholder words that nothing else changes take their place; `template` later swaps the codes back in.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.languages import Language, Number, marked, said
from newsletter.mail.render.expression import Condition, Expression, Refused, parse, parse_condition
from newsletter.mail.render.names import Known

LONGEST_CODE = 400
MOST_CODES = 1000
_CODE = re.compile(
    r"""(?:[^'"%}#]|'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"|[%}#](?!\}))*""", re.DOTALL
)  # fmt: skip
_ENDS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_OPENS = re.compile(r"\{[{%#]")
WORD = re.compile(r"zq([vlua])(\d{1,4})qz")
"""The placeholder of a code in text (v), at the start of an address (l) or inside one (u), or of the whole address of a
link whose clicks may be counted (a)."""
_STATEMENT = re.compile(r"\s*(\w+)\s*(.*?)\s*\Z", re.DOTALL)
OUR_WORD = marked("The text holds a word that the product needs for itself (zqv…qz); please change it.")


class BadArticle(ValueError):
    """An owner's text cannot be made into a mail; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Code:
    """One checked code. `statement`: if, elif, else, endif; "" outputs an expression, "#" (a comment) nothing."""

    source: str
    where: str
    statement: str = ""
    expression: Expression | None = None
    condition: Condition | None = None

    @property
    def strips_before(self) -> bool:
        """Whether it strips the white space before it (`{{-`)."""
        return self.source.startswith("-", 2)

    @property
    def strips_behind(self) -> bool:
        """Whether it strips the white space after it (`-}}`)."""
        return self.source.endswith("-", 0, -2)


def hide(source: str, known: Known, language: Language, what: str = "") -> tuple[str, list[Code]]:
    """The text with a placeholder for each code, and the codes. Raises BadArticle for what is not allowed.

    `what` names a one-line text in errors ("in the subject").
    """
    if WORD.search(source):
        raise BadArticle(OUR_WORD)
    out: list[str] = []
    codes: dict[str, tuple[int, Code]] = {}
    end, line = 0, 1
    for start, stop in _found(source):
        line += source.count("\n", end, start)
        code = source[start:stop]
        if code not in codes:  # equal codes share a placeholder: a link whose text is its address stays one
            codes[code] = (len(codes), _read(code, what or said("in line %(line)s", line=line), known, language))
        out += [source[end:start], f"zqv{codes[code][0]}qz"]
        line += code.count("\n")
        end = stop
        if len(out) > 2 * MOST_CODES:
            raise BadArticle(
                said(
                    "The text holds more than %(most_codes)s variables and conditions; please shorten it.",
                    most_codes=Number(MOST_CODES),
                )
            )
    return "".join([*out, source[end:]]), [code for _, code in codes.values()]


def code_of(word: re.Match[str], codes: Sequence[Code]) -> Code:
    """The code of a placeholder. Raises BadArticle if Markdown produced a placeholder that stands for none."""
    number = int(word[2])
    if number >= len(codes):
        raise BadArticle(OUR_WORD)
    return codes[number]


def _found(source: str) -> Sequence[tuple[int, int]]:
    """Where codes start and end. What opens but does not close within LONGEST_CODE is text."""
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


def _read(source: str, where: str, known: Known, language: Language) -> Code:
    inner = source[2:-2].strip("-+")
    try:
        if source.startswith("{#"):
            return Code(source, where, "#")
        if source.startswith("{{"):
            return Code(source, where, expression=parse(inner, known, language))
        word, rest = _statement(inner)
        condition = parse_condition(rest, known, language) if word in ("if", "elif") else None
        if condition is None and rest:
            raise Refused(said("nothing may stand behind %(word)s", word=word))
        return Code(source, where, word, condition=condition)
    except Refused as refused:
        raise refusal(where, source, refused) from None


def _statement(inner: str) -> tuple[str, str]:
    match = _STATEMENT.match(inner)
    word, rest = (match[1], match[2]) if match else ("", "")
    if word not in ("if", "elif", "else", "endif"):
        raise Refused(
            said(
                "of statements only if, elif, else and endif are known: %(example)s",
                example="{% if first_name %}…{% else %}…{% endif %}",
            )
        )
    return word, rest


def refusal(where: str, source: str, reason: object) -> BadArticle:
    """The BadArticle to raise about a code."""
    shown = source if len(source) <= 80 else source[:79] + "…"
    why = reason.args[0] if isinstance(reason, Refused) else reason
    return BadArticle(said("%(code)s %(where)s: %(why)s.", code=shown, where=where, why=why))
