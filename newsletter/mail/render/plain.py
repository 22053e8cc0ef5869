"""Renders Markdown as plain text: lists with marks, code indented, and a paragraph's links listed below it.

An address in the middle of a sentence is hard to read past, and many mail programs take what follows it (a full stop,
a bracket) for part of it.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from markdown_it.token import Token

from newsletter.mail.render import blocks
from newsletter.mail.render.code import WORD, Code, code_of

_ENDING = re.compile(r"[\s.,:;!?…)\]”’\"']*\Z")
Target = tuple[int, int, str]
"""A link: where its text starts and ends, and its address."""


def as_plain_text(tokens: Sequence[Token], codes: Sequence[Code]) -> str:
    """Return Markdown tokens as plain text, with placeholders for codes."""
    lines: list[str] = []
    depth: list[Callable[[], str]] = []
    item = False
    for token in tokens:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            depth.append(_marker(token))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            depth.pop()
        elif token.type == "list_item_open":
            item = True
        elif token.type == "inline":
            lead = "  " * max(len(depth) - 1, 0)
            hang = (depth[-1]() if item else "  ") if depth else ""
            item = False
            words, *more = _lines(token, codes)
            lines += [lead + hang + words, *(lead + " " * len(hang) + one for one in more), ""]
        elif token.type in ("code_block", "fence"):
            lines += [*("    " + line for line in token.content.rstrip("\n").split("\n")), ""]
        elif token.type == "hr":
            lines += ["* * *", ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _marker(token: Token) -> Callable[[], str]:
    if token.type == "bullet_list_open":
        return lambda: "- "
    number = int(token.attrGet("start") or 1) - 1

    def counted() -> str:
        nonlocal number
        number += 1
        return f"{number}. "

    return counted


def _lines(token: Token, codes: Sequence[Code]) -> list[str]:
    """The text of a paragraph, heading or list item, followed by its links' addresses."""
    children = token.children or []
    if blocks.BUTTON in token.meta:
        words, targets = _words(children)
        return [blocks.as_text(words, targets[-1][2] if targets else "")]
    if any(code_of(word, codes).statement for word in WORD.finditer(token.content) if word[1] == "v"):
        return [_beside(children)]  # a list below would show addresses whose text the condition hides
    words, targets = _words(children)
    return [words, *_link_lines(words, targets)]


def _link_lines(words: str, targets: Sequence[Target]) -> Iterator[str]:
    for start, end, address in targets:
        ends_it = len(targets) == 1 and _ENDING.match(words, end)
        yield address if ends_it or not words[start:end].strip() else f"{_one_line(words[start:end])}: {address}"


def _words(children: Sequence[Token]) -> tuple[str, list[Target]]:
    """The text alone, and the links whose text is not their address."""
    out, open_ones, targets = "", list[tuple[int, str, bool]](), list[Target]()
    for child in children:
        out += _of(child)
        if child.type == "link_open":
            open_ones.append((len(out), str(child.attrGet("href") or ""), child.info == "auto"))
        elif child.type == "link_close":
            start, address, is_auto = open_ones.pop()
            if own := _own_address(out[start:], address, is_auto):
                out = out[:start] + own
            else:
                targets.append((start, len(out), _mailbox(address)))
    return out, targets


def _beside(children: Sequence[Token]) -> str:
    """The text, with each link's address after it."""
    out, open_ones = "", list[tuple[int, str, bool]]()
    for child in children:
        out += _of(child)
        if child.type == "link_open":
            open_ones.append((len(out), str(child.attrGet("href") or ""), child.info == "auto"))
        elif child.type == "link_close":
            start, address, is_auto = open_ones.pop()
            own = _own_address(out[start:], address, is_auto)
            out = out[:start] + (own or f"{out[start:]} ({_mailbox(address)})")
    return out


def _of(child: Token) -> str:
    if child.type in ("text", "code_inline", "image"):
        return child.content
    return {"softbreak": " ", "hardbreak": "\n"}.get(child.type, "")


def _own_address(words: str, address: str, is_auto: bool) -> str:
    """The text of a link that shows its own address or has none; "" for any other."""
    if address.startswith("mailto:") and (is_auto or words == address.removeprefix("mailto:")):
        return words
    if is_auto or not address or _plain_words(address) == _plain_words(words):
        return address or words
    return ""


def _mailbox(address: str) -> str:
    return address.removeprefix("mailto:")


def _one_line(words: str) -> str:
    return " ".join(words.split())


def _plain_words(text: str) -> str:
    """Make placeholders of one code equal in text and in addresses; those of whole addresses stay distinct."""
    return WORD.sub(lambda match: match[0] if match[1] == "a" else match[2], text)
