"""Parses HTML to a tree, tolerantly and with limits on length, depth and size."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self

LONGEST = 1_000_000
"""Characters of a page; the rest is ignored."""
DEEPEST, MOST = 100, 30_000
"""Nesting depth; elements and text nodes in total."""
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
DROPPED = frozenset(
    {"script", "style", "noscript", "template", "iframe", "frame", "frameset", "object", "embed", "applet", "svg",
     "math", "canvas", "audio", "video", "form", "button", "input", "select", "textarea", "label", "dialog"}
)  # fmt: skip
"""Elements ignored with their contents."""
BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "figcaption",
     "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "li", "main", "nav", "ol",
     "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)  # fmt: skip
_ENDED_BY = {
    "li": ({"li"}, {"ul", "ol"}), "dt": ({"dt", "dd"}, {"dl"}), "dd": ({"dt", "dd"}, {"dl"}),
    "tr": ({"tr", "td", "th"}, {"table"}), "td": ({"td", "th"}, {"tr", "table"}), "th": ({"td", "th"}, {"tr", "table"}),
}  # fmt: skip
"""For each tag: the open elements it implicitly closes, and the scope in which they are searched (HTML §13.1.2.4)."""


@dataclass(slots=True, eq=False)
class Node:
    """An element. `has_blocks`: whether it contains a block element at any depth."""

    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    children: list[Self | str] = field(default_factory=list)
    has_blocks: bool = False

    def walk(self) -> Iterator["Node"]:
        """This element and its descendants, in document order."""
        ahead = [self]
        while ahead:
            node = ahead.pop()
            yield node
            ahead += [child for child in reversed(node.children) if isinstance(child, Node)]

    def text(self) -> str:
        """Its text, with whitespace collapsed."""
        found: list[str] = []
        ahead: list[Node | str] = [self]
        while ahead:
            one = ahead.pop()
            if isinstance(one, str):
                found.append(one)
            else:
                apart = [" "] if one.tag in BLOCKS or one.tag == "br" else []
                ahead += [*apart, *reversed(one.children), *apart]
        return " ".join("".join(found).split())

    def named(self, *names: str) -> str:
        """The values of these attributes in lower case, joined by spaces."""
        return " ".join(self.attrs.get(name, "") for name in names).lower()


class _Full(Exception):
    """The page has more than `MOST` nodes."""


class _Builder(HTMLParser):
    """Builds the tree. Counts nested tags within a dropped element, to find its end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("root")
        self._open = [self.root]
        self._dropped, self._within, self._made = "", 0, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        if self._dropped:
            self._within += tag == self._dropped
            return
        if tag in DROPPED:
            if tag not in VOID:
                self._dropped, self._within = tag, 1
            return
        self._count()
        self._end_before(tag)
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(node)
        if tag in BLOCKS:
            for above in reversed(self._open):
                if above.has_blocks:
                    break
                above.has_blocks = True
        if tag not in VOID and len(self._open) < DEEPEST:
            self._open.append(node)

    def _count(self) -> None:
        self._made += 1
        if self._made > MOST:
            raise _Full

    def _end_before(self, tag: str) -> None:
        if tag in BLOCKS and self._open[-1].tag == "p":
            self._open.pop()
        ends, within = _ENDED_BY.get(tag, (set(), set()))
        for place in range(len(self._open) - 1, 0, -1) if ends else ():
            if self._open[place].tag in within:
                return
            if self._open[place].tag in ends:
                del self._open[place:]
                return

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Like a start tag: the slash has no meaning on non-void elements (HTML §13.1.2.1)."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close an element, with everything left open in it."""
        if self._dropped:
            self._within -= tag == self._dropped
            if not self._within:
                self._dropped = ""
            return
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        """Add text."""
        if not self._dropped:
            self._count()
            self._open[-1].children.append(data)


def parsed(html: str) -> Node:
    """The tree of a page, up to the limits. Never raises."""
    builder = _Builder()
    try:
        # No close(): it would re-parse an unfinished tag at the end from every position in it (quadratic time).
        builder.feed(html[:LONGEST] + "\n<p>")
    except _Full:
        pass
    except AssertionError:  # the parser's reaction to malformed declarations
        pass
    return builder.root
