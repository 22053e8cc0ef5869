"""Inline content as Markdown, with everything escaped that has a meaning there."""

import re
from collections.abc import Iterable
from urllib.parse import quote, urljoin, urlsplit

from newsletter.readable.tree import Node

SCHEMES = frozenset({"http", "https", "mailto", "tel"})
LONGEST_ADDRESS = 2000
SMALLEST = 3
"""Pixels; smaller pictures are tracking pixels."""
_SIGNS = re.compile(r"([\\`*\[\]<>{}|&]|(?<!\w)_|_(?!\w)|~~|:::)")
_AT_START = re.compile(r"^(\s*)([#+=~-]|:::|\d{1,9}(?=[.)]))")
_BREAK = "\\\n"
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "cite": "*"}
_NOT_IN_ADDRESS = str.maketrans("", "", "\t\r\n")
_BRACES = str.maketrans({"{": "{ ", "`": "'"})


class Inline:
    """Writes inline content. `base`: the page's URL. `pictures`: (URL, alternative text) of those found."""

    def __init__(self, base: str) -> None:
        self._base = base
        self.pictures: list[tuple[str, str]] = []

    def line(self, parts: Iterable[Node | str]) -> str:
        """One paragraph, "" if it is empty."""
        text = re.sub(r"[ \t]*\\\n\s*", _BREAK, _squeezed("".join(self._part(one, "") for one in parts)))
        while text.endswith("\\\n") or text.startswith("\\\n"):
            text = text.removeprefix(_BREAK).removesuffix(_BREAK).strip()
        return "\n".join(_AT_START.sub(_escaped_start, line) for line in text.strip().split("\n"))

    def _part(self, part: Node | str, within: str) -> str:
        if isinstance(part, str):
            return _SIGNS.sub(r"\\\1", _without_marks(part).replace("\n", " "))
        match part.tag:
            case "br":
                return "\ue002"
            case "img":
                return self._picture(part)
            case "code" | "kbd" | "samp" | "tt":
                words = part.text().translate(_BRACES)
                return f"`{words}`" if words else ""
            case "a":
                return self._link(part, within)
        inner = "".join(self._part(one, within + part.tag) for one in part.children)
        mark = _MARKS.get(part.tag, "")
        return _wrapped(inner, mark) if mark and mark[0] * 3 not in inner and f"\\{mark}" not in inner else inner

    def _link(self, part: Node, within: str) -> str:
        inner = "".join(self._part(one, within + "a") for one in part.children)
        to = address(self._base, part.attrs.get("href", ""))
        if not to or not inner.strip() or "\ue000" in inner or part.attrs.get("href", "").startswith("#"):
            return inner
        lead, words, tail = _stripped(inner.replace("\ue002", " "))
        return f"{lead}[{words}]({to}){tail}"

    def _picture(self, part: Node) -> str:
        tiny = [one for one in ("width", "height") if _pixels(part.attrs.get(one, "")) < SMALLEST]
        source = part.attrs.get("src", "")
        for other in ("data-src", "data-lazy-src", "data-original"):
            if not source or source.startswith("data:"):
                source = part.attrs.get(other, "")
        found = address(self._base, source)
        if tiny or not found.startswith("http"):
            return ""
        words = " ".join(_without_marks(part.attrs.get("alt", "")).split())
        self.pictures.append((found, re.sub(r"[\[\]\\{}<>*_`|]", "", words)[:300]))
        return f"\ue000{len(self.pictures) - 1}\ue001"


def plain(words: str) -> str:
    """Plain text as one line of Markdown, fully escaped."""
    return Inline("").line([words])


def _without_marks(text: str) -> str:
    """Text without the private-use characters that we use as placeholders for pictures and line breaks."""
    return re.sub("[\ue000-\ue002]", "", text)


def _squeezed(text: str) -> str:
    return "".join(_BREAK if one == "\ue002" else one for one in re.sub(r"\s+", " ", text)).strip()


def _escaped_start(found: re.Match[str]) -> str:
    """Escapes a character that would start a heading, list or rule."""
    return f"{found[1]}{found[2]}\\" if found[2].isdigit() else f"{found[1]}\\{found[2]}"


def _stripped(text: str) -> tuple[str, str, str]:
    bare = text.strip()
    start = text.index(bare) if bare else 0
    return text[:start] and " ", bare, text[start + len(bare) :] and " "


def _wrapped(text: str, mark: str) -> str:
    """Text between two marks, with surrounding spaces outside; unchanged if it is marked already or has a picture."""
    lead, bare, tail = _stripped(text.replace("\ue002", " "))
    if not bare or bare.startswith("*") or bare.endswith(("*", "\\")) or "\ue000" in bare:
        return text
    return f"{lead}{mark}{bare}{mark}{tail}"


def _pixels(written: str) -> int:
    digits = written.strip().removesuffix("px")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else SMALLEST


def address(base: str, written: str) -> str:
    """An absolute URL, quoted for Markdown; "" if it is invalid or its scheme is not allowed."""
    try:
        whole = urljoin(base, written.translate(_NOT_IN_ADDRESS).strip())  # as browsers read it (WHATWG URL §4.4)
        scheme = urlsplit(whole).scheme
    except ValueError:
        return ""
    if scheme not in SCHEMES or len(whole) > LONGEST_ADDRESS:
        return ""
    return quote(whole, safe="%/:?#@!$&+,;=~-._'*")
