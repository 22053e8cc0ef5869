"""Blocks of an owner's text beyond Markdown: a button, a card, two columns.

They are tables, because Outlook for Windows lays out nothing else. A button is a link whose title is "button", alone in
its paragraph, so that the text stays Markdown that any other program reads.
"""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from newsletter.languages import said
from newsletter.mail.render.template import WORD, BadArticle, Code, code_of, refusal

BUTTON = "button"
"""The title that makes a link a button."""
NARROW = "narrow"
"""The key in a token's `meta` of a picture's maximum width, in a block narrower than the mail."""
HALF, COVER = 252, 112
"""Widths in pixels of a picture in a column, and beside a card's text."""
_OPENS = re.compile(r":::[ \t]*(card|columns)\Z")
_CLOSES, _BETWEEN = ":::", "|||"
_TABLE = ' role="presentation" cellpadding="0" cellspacing="0" border="0"'
_HTML = {
    "card_open": f'<table class="card" width="100%"{_TABLE}><tbody><tr><td class="words" valign="top">\n',
    "picture_open": f'<table class="card" width="100%"{_TABLE}><tbody><tr>'
    '<td class="picture" width="128" valign="top">\n',
    "picture_close": '</td><td class="words" valign="top">\n',
    "columns_open": f'<table class="columns" width="100%"{_TABLE}><tbody><tr>'
    '<td class="half" width="50%" valign="top">\n',
    "columns_between": '</td><td class="half" width="50%" valign="top">\n',
    "card_close": "</td></tr></tbody></table>\n",
    "columns_close": "</td></tr></tbody></table>\n",
    "button_open": f'<table class="button"{_TABLE}><tbody><tr><td>',
    "button_close": "</td></tr></tbody></table>\n",
}
TAGS = {"table", "tbody", "tr", "td"}
CLASSES = {"table": {"card", "columns", "button"}, "td": {"words", "picture", "half"}}
VALUES = {
    "table": {"role": {"presentation"}, "cellpadding": {"0"}, "cellspacing": {"0"}, "border": {"0"}, "width": {"100%"}},
    "td": {"width": {"50%", "128"}, "valign": {"top"}},
}
"""What the sanitiser lets through of these blocks."""


def install(reader: MarkdownIt) -> None:
    """Add these blocks to a Markdown parser."""
    reader.block.ruler.before("fence", "blocks", _block, {"alt": ["paragraph"]})
    reader.core.ruler.push("blocks", _finish)
    for kind, html in _HTML.items():
        reader.add_render_rule(kind, lambda _self, _tokens, _index, _options, _env, html=html: html)


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    opened = _OPENS.match(_line(state, start))
    if opened is None or state.level or state.is_code_block(start):
        return False
    if silent:
        return True
    kind, ends = opened[1], _ends(state, start, end)
    state.push(f"{kind}_open", "", 1)
    for number, (first, last) in enumerate(ends):
        if number:
            state.push("columns_between", "", 0)
        _tokenize(state, first, last)
    state.push(f"{kind}_close", "", -1)
    state.line = ends[-1][1] + 1
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip()


def _ends(state: StateBlock, start: int, end: int) -> list[tuple[int, int]]:
    """The first and last line of each part. Raises BadArticle if it is not closed, or contains another block."""
    where, kind = said("in line %(line)s", line=start + 1), _line(state, start).removeprefix(_CLOSES).strip()
    parts, first = [], start + 1
    for number in range(start + 1, end):
        line = _line(state, number)
        if line == _CLOSES:
            parts.append((first, number))
            if kind == "columns" and len(parts) != 2:
                problem = said("two columns need one line with %(sign)s between them, not %(number)s", sign=_BETWEEN,
                               number=len(parts) - 1)  # fmt: skip
                raise refusal(where, "::: columns", problem)
            return parts
        if _OPENS.match(line):
            raise refusal(
                where, f"::: {kind}", said("no card or column can stand in another; end this one with ::: first")
            )
        if line == _BETWEEN and kind == "columns":
            parts.append((first, number))
            first = number + 1
    raise refusal(where, f"::: {kind}", said("its end is missing; write ::: on a line of its own"))


def _tokenize(state: StateBlock, first: int, last: int) -> None:
    before = state.lineMax
    state.lineMax = last
    state.md.block.tokenize(state, first, last)
    state.lineMax = before


def _finish(state: StateCore) -> None:
    """Turn links into buttons, put a card's picture beside its text, and check that conditions end in their block."""
    state.tokens = list(_with_buttons(state.tokens))
    codes: Sequence[Code] = state.env.get("codes", ())
    inside: list[Token] | None = None
    for place, token in enumerate(state.tokens):
        if token.type in ("card_open", "columns_open"):
            inside = []
        elif token.type in ("card_close", "columns_close", "columns_between") and inside is not None:
            _balanced(inside, codes)
            inside = []
        elif inside is not None:
            inside.append(token)
            _narrow(token, HALF)
        if token.type == "card_open":
            _put_beside(state.tokens, place)
    state.tokens = [token for token in state.tokens if token.type != "gone"]


def _with_buttons(tokens: list[Token]) -> Iterator[Token]:
    for place, token in enumerate(tokens):
        is_button = token.type == "inline" and _take_titles(token) and tokens[place - 1].type == "paragraph_open"
        if is_button:
            tokens[place - 1].type, tokens[place - 1].hidden = "button_open", False
            tokens[place + 1].type, tokens[place + 1].hidden = "button_close", False
            token.meta[BUTTON] = True
    yield from tokens


def _take_titles(block: Token) -> bool:
    """Remove "button" titles from links; return whether the paragraph is one such link with text, and nothing else."""
    children = [child for child in block.children or [] if child.type != "text" or child.content.strip()]
    titled = [child for child in children if child.type == "link_open" and child.attrGet("title") == BUTTON]
    for child in titled:
        del child.attrs["title"]
    kinds = [child.type for child in children]
    is_whole = kinds[:1] == ["link_open"] and kinds.count("link_open") == 1 and kinds[-1:] == ["link_close"]
    return bool(titled) and is_whole and len(kinds) > 2 and "image" not in kinds


def _narrow(token: Token, most: int) -> None:
    for child in token.children or []:
        if child.type == "image":
            child.meta.setdefault(NARROW, most)


def _put_beside(tokens: list[Token], place: int) -> None:
    """Put a picture alone at the top of a card beside its text."""
    opened, first, closed = tokens[place + 1 : place + 4] if len(tokens) > place + 3 else (None, None, None)
    if opened is None or first is None or closed is None or opened.type != "paragraph_open":
        return
    if [child.type for child in first.children or []] != ["image"]:
        return
    tokens[place].type, opened.type, closed.type = "gone", "picture_open", "picture_close"
    for child in first.children or []:
        child.meta[NARROW] = COVER


def _balanced(inside: Sequence[Token], codes: Sequence[Code]) -> None:
    """Raise BadArticle for a condition that starts or ends outside its table: it would break the markup."""
    open_ones: list[Code] = []
    for code in (code_of(word, codes) for token in inside for word in WORD.finditer(token.content)):
        if code.statement == "if":
            open_ones.append(code)
        elif code.statement in ("elif", "else", "endif") and not open_ones:
            raise refusal(code.where, code.source, said("its %(code)s stands outside this card or column; put it "
                                                        "inside",
                                                             code="{% if … %}"))  # fmt: skip
        elif code.statement == "endif":
            open_ones.pop()
    if open_ones:
        problem = said("a condition that begins in a card or a column has to end in it: put its %(code)s there",
                       code="{% endif %}")  # fmt: skip
        raise refusal(open_ones[-1].where, open_ones[-1].source, problem)


def as_text(words: str, target: str) -> str:
    """A button as plain text: its label, then its address."""
    return f"{words}{'' if words.endswith((':', '?', '!', '.')) else ':'} {target}" if target else words


__all__ = ["BUTTON", "CLASSES", "NARROW", "TAGS", "VALUES", "BadArticle", "as_text", "install"]
