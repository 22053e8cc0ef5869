"""Extracts plain text from HTML."""

import html
import re

_OPENS = re.compile(r"<(style|script|head|title)\b[^<>]*>|<!--", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?h\d|/?table|hr)\b[^<>]*>", re.IGNORECASE)
_SPACES = re.compile("[ \t\xa0]+")
_TAG = re.compile(r"<[!/a-zA-Z][^<>@]*>")


def plain_lines(page: str) -> str:
    """An HTML page's text, one paragraph or row per line. An address in angle brackets stays."""
    page = _BREAK.sub("\n", _seen(page))
    return _SPACES.sub(" ", html.unescape(_TAG.sub(" ", page)))


def _seen(page: str) -> str:
    """Remove what no reader sees, in one pass, so that no page takes long, however odd."""
    low, kept, place, endless = page.lower(), [], 0, set()
    while opening := _OPENS.search(page, place):
        closing = f"</{opening[1].lower()}" if opening[1] else "-->"
        end = -1 if closing in endless else low.find(closing, opening.end())
        if end < 0:  # never closed: continue after the opening tag
            endless.add(closing)
        kept.append(page[place : opening.start()])
        place = opening.end() if end < 0 else end
        if end >= 0 and closing == "-->":
            place += len(closing)
    return " ".join([*kept, page[place:]])
