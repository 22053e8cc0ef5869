"""Block content as Markdown: headings, paragraphs, lists, quotations, code, pictures. Tables become plain text."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from newsletter.readable.inline import Inline
from newsletter.readable.tree import BLOCKS, Node

_PLACE = re.compile("\ue000(\\d+)\ue001")


@dataclass(frozen=True, slots=True)
class Written:
    """Markdown with placeholders for pictures. `pictures`: (URL, alternative text) in order."""

    text: str
    pictures: tuple[tuple[str, str], ...]

    def with_pictures(self, codes: Mapping[str, str]) -> str:
        """The text with pictures inserted. `codes`: Markdown by URL; a picture without one becomes a link on its
        alternative text, or nothing."""

        def shown(found: re.Match[str]) -> str:
            at, words = self.pictures[int(found[1])]
            return codes.get(at) or (f"[{words}]({at})" if words else "")

        return re.sub(r"\n{3,}", "\n\n", _PLACE.sub(shown, self.text)).strip() + "\n"


def written(part: Node, base: str, without: str = "") -> Written:
    """An element as Markdown. `base`: the page's URL. `without`: a heading to omit, because it is the title."""
    inline = Inline(base)
    blocks = list(_Blocks(inline, without.casefold()).of(part))
    return Written(text="\n\n".join(blocks), pictures=tuple(inline.pictures))


class _Blocks:
    def __init__(self, inline: Inline, without: str) -> None:
        self._inline, self._without = inline, without

    def of(self, node: Node) -> Iterator[str]:
        """The blocks in an element; inline content between blocks becomes a paragraph."""
        run: list[Node | str] = []
        for child in node.children:
            if isinstance(child, str) or (child.tag not in BLOCKS and not child.has_blocks):
                run.append(child)
                continue
            yield from self._paragraph(run)
            run = []
            yield from self._block(child)
        yield from self._paragraph(run)

    def _paragraph(self, run: list[Node | str]) -> Iterator[str]:
        if line := self._inline.line(run):
            yield line

    def _block(self, node: Node) -> Iterator[str]:
        match node.tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                if node.text().casefold() != self._without:
                    level = max(int(node.tag[1]), 2)
                    yield from (f"{'#' * level} {line}" for line in self._heading(node))
            case "ul" | "ol":
                yield from self._list(node)
            case "blockquote":
                if inner := "\n\n".join(self.of(node)):
                    yield "\n".join(f"> {line}".rstrip() for line in inner.split("\n"))
            case "pre":
                yield from _code(node)
            case "hr":
                yield "---"
            case "tr":
                cells = [" ".join(self.of(one)) for one in node.children if isinstance(one, Node)]
                yield from filter(None, [" · ".join(filter(None, cells)).replace("\n", " ")])
            case "dt" | "figcaption":
                mark = "**" if node.tag == "dt" else "*"
                yield from (f"{mark}{line}{mark}" if "*" not in line else line for line in self.of(node))
            case _:
                yield from self.of(node)

    def _heading(self, node: Node) -> Iterator[str]:
        line = " ".join(self.of(node)).replace("\\\n", " ").replace("\n", " ").strip()
        if line:
            yield line

    def _list(self, node: Node) -> Iterator[str]:
        items, is_loose = list[str](), False
        for one in node.children:
            inner = list(self.of(one)) if isinstance(one, Node) else []
            if not inner:
                continue
            apart = any(not block.startswith(("- ", "1. ")) for block in inner[1:])
            lead = f"{len(items) + 1}. " if node.tag == "ol" else "- "
            text = ("\n\n" if apart else "\n").join(inner)
            items.append(lead + text.replace("\n", "\n" + " " * len(lead)))
            is_loose = is_loose or apart
        if items:
            yield re.sub(r"(?m)^ +$", "", ("\n\n" if is_loose else "\n").join(items))


def _code(node: Node) -> Iterator[str]:
    """A fenced block, verbatim but with template syntax broken up, because templates are expanded in code too."""
    text = "".join(_raw(node)).strip("\n")
    fence = "`" * max(3, 1 + max((len(one) for one in re.findall("`+", text)), default=0))
    if text.strip():
        yield f"{fence}\n{re.sub('{(?=[{%#])', '{ ', text)}\n{fence}"


def _raw(node: Node) -> Iterator[str]:
    for child in node.children:
        if isinstance(child, str):
            yield re.sub("[\ue000-\ue002]", "", child)
        elif child.tag == "br":
            yield "\n"
        else:
            yield from _raw(child)
