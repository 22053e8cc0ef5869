"""Turns an owner's Markdown into HTML and plain text, and collects what the preflight checks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_core.linkify import linkify as linkify_text
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.linkify import linkify as linkify_scheme
from markdown_it.token import Token

from newsletter.mail.render import blocks
from newsletter.mail.render.code import WORD, Code, code_of
from newsletter.mail.render.counted import may_be_counted
from newsletter.mail.render.link_address import in_address
from newsletter.mail.render.places import SCHEMES
from newsletter.mail.render.plain import as_plain_text

COLUMN = 544
"""Maximum width of a picture in pixels: the mail's 600 less padding. Outlook for Windows obeys only this attribute."""
TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre",
    "strong", "ul", *blocks.TAGS,
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title", "width"}, "ol": {"start"}}
LONGEST_PARAGRAPH = 10_000
"""Characters of a paragraph in which typed-out addresses become links: finding them takes quadratic time."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_WWW = re.compile(r"[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+(?:[/?#][^\s<>\"]*)?", re.IGNORECASE)
_SIZED = re.compile(r"/media/[0-9a-f]+-(\d{1,4})x\d{1,4}\.(?:jpg|png|gif)\Z")
_ONLY_CODES = re.compile(r"<p>((?:zqv\d+qz\s*)+)</p>\n?")


@dataclass(frozen=True, slots=True)
class Written:
    """A parsed text. `html` and `text` hold placeholders for codes."""

    html: str
    text: str
    prose: str
    """Its prose without codes and code samples, to be checked for leftovers."""
    links: tuple[str, ...]
    pictures: tuple[tuple[str, str], ...]
    """(address, description)"""
    relative: tuple[str, ...]
    """Relative addresses as written, before they were completed."""
    counted: tuple[str, ...] = ()
    """Those links whose clicks may be counted; `html` and `text` hold a placeholder for each."""


def clean(html: str) -> str:
    """Sanitise HTML: only tags and addresses that an owner's text may have remain, whatever was filled in."""
    return nh3.clean(
        html, tags=TAGS, attributes=_ATTRIBUTES, url_schemes=set(SCHEMES), link_rel="noopener",
        allowed_classes=blocks.CLASSES, tag_attribute_values=blocks.VALUES,
    )  # fmt: skip


def read(hidden: str, codes: Sequence[Code], site: str) -> Written:
    """Parse Markdown whose codes are hidden; complete addresses with `site`. Raises BadArticle."""
    tokens = _markdown.parse(hidden, {"codes": codes})
    links, relative = list[str](), list[str]()
    pictures, counted = list[tuple[str, str]](), list[str]()
    for token, inside in _with_words(tokens):
        name = "href" if token.type == "link_open" else "src"
        written = str(token.attrGet(name) or "")
        address = in_address(_absolute(written, site), codes)
        token.attrSet(name, address)
        if address != written and not WORD.search(written):
            relative.append(written)
        if name == "src":
            token.attrSet("width", str(min(_shown(written), token.meta.get(blocks.NARROW, COLUMN))))
            pictures.append((address, token.content))
            continue
        links.append(address)
        if may_be_counted(address, inside, token.info == "auto", codes):
            token.attrSet("href", f"zqa{len(counted)}qz")
            counted.append(address)
    html = _ONLY_CODES.sub(lambda match: _bare(match, codes), _markdown.renderer.render(tokens, _markdown.options, {}))
    return Written(
        html=html, text=as_plain_text(tokens, codes), prose=_prose(tokens), links=tuple(links),
        pictures=tuple(pictures), relative=tuple(relative), counted=tuple(counted),
    )  # fmt: skip


def _with_words(tokens: Sequence[Token]) -> Iterator[tuple[Token, Sequence[Token]]]:
    """Yield each link with the tokens inside it, and each picture with none."""
    for token in tokens:
        children = token.children or []
        for place, child in enumerate(children):
            if child.type == "image":
                yield child, ()
            elif child.type == "link_open":
                end = next(n for n in range(place, len(children)) if children[n].type == "link_close")
                yield child, children[place + 1 : end]


def _shown(address: str) -> int:
    """A picture's display width; the media library's have it in their names."""
    named = _SIZED.search(address)
    return min(int(named[1]), COLUMN) if named else COLUMN


def _bare(match: re.Match[str], codes: Sequence[Code]) -> str:
    """Unwrap a paragraph that holds nothing but conditions."""
    stands = [code_of(word, codes) for word in WORD.finditer(match[1])]
    return match[1] if all(code.statement for code in stands) else match[0]


def _absolute(address: str, site: str) -> str:
    if not address or address.startswith("#") or _SCHEME.match(address) or WORD.match(address):
        return address
    if address.startswith("//"):
        return f"{urlsplit(site).scheme}:{address}"
    return urljoin(f"{site}/", address.lstrip("/"))


def _prose(tokens: Sequence[Token]) -> str:
    blocks = (token for token in tokens if token.type == "inline")
    return WORD.sub(" ", "\n".join("".join(_said(block.children or [])) for block in blocks))


def _said(children: Sequence[Token]) -> Iterator[str]:
    shows_its_address = False
    for child in children:
        if child.type in ("link_open", "link_close"):
            shows_its_address = child.type == "link_open" and child.info == "auto"
        if child.type in ("em_open", "em_close"):
            yield child.markup  # *|FNAME|* is Markdown too
        else:
            yield child.content if child.type == "text" and not shows_its_address else " "


def _www(validator: Any, text: str, at: int) -> int:
    """The length of an address after "www." (GitHub Flavored Markdown §6.9); 0: there is none."""
    found = _WWW.match(text, at)
    return len(found[0].rstrip(".,:;!?'\")*_")) if found else 0


def _link_variables(state: StateCore) -> None:
    """Turn variables that hold an address into links, as typed-out addresses are."""
    codes: Sequence[Code] = state.env.get("codes", ())
    for block in state.tokens:
        if block.type != "inline" or not block.children:
            continue
        out: list[Token] = []
        inside = 0
        for token in block.children:
            inside += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            out += _linked(token, codes) if token.type == "text" and not inside else [token]
        block.children = out


def _linked(token: Token, codes: Sequence[Code]) -> list[Token]:
    out, end = [], 0
    for match in WORD.finditer(token.content):
        expression = code_of(match, codes).expression
        if expression and expression.link:
            opened = Token("link_open", "a", 1, {"href": match[0]}, markup="linkify", info="auto")
            closed = Token("link_close", "a", -1, markup="linkify", info="auto")
            out += [_text(token.content[end : match.start()]), opened, _text(match[0]), closed]
            end = match.end()
    return [*out, _text(token.content[end:])] if out else [token]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _typed_out(state: StateCore) -> None:
    """Turn typed-out addresses into links: those with a scheme or www, and mailboxes."""
    every = state.tokens
    state.tokens = [one for one in every if len(one.content) <= LONGEST_PARAGRAPH]
    linkify_text(state)  # changes the tokens in place
    state.tokens = every


def _scheme(state: StateInline, silent: bool) -> bool:
    """Recognise an address with a scheme before its underscores and stars are read as emphasis."""
    return len(state.src) <= LONGEST_PARAGRAPH and linkify_scheme(state, silent)


def _reader() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "linkify": True, "typographer": False}).enable("linkify")
    if made.linkify is None:
        raise RuntimeError("linkify-it-py is missing")
    made.linkify.set({"fuzzy_link": False, "fuzzy_email": True, "fuzzy_ip": False})  # "this.It" is not an address
    made.linkify.add("ftp:", None).add("//", None)
    made.linkify.add("www.", {"validate": _www, "normalize": lambda _, match: _completed(match)})
    made.core.ruler.at("linkify", _typed_out)
    made.inline.ruler.at("linkify", _scheme)
    made.core.ruler.after("linkify", "link_variables", _link_variables)
    blocks.install(made)
    return made


def _completed(match: Any) -> None:
    match.url = f"http://{match.url}"


_markdown = _reader()
