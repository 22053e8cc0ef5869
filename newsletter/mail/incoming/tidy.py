"""From HTML to its words."""

import html
import re

_OPENS = re.compile(r"<(style|script|head|title)\b[^<>]*>|<!--", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?h\d|/?table|hr)\b[^<>]*>", re.IGNORECASE)
_SPACES = re.compile("[ \t\xa0]+")
_TAG = re.compile(r"<[!/a-zA-Z][^<>@]*>")


def plain_lines(page: str) -> str:
    """The words of an HTML page, a paragraph or row a line. An address in angle brackets stays."""
    page = _BREAK.sub("\n", _seen(page))
    return _SPACES.sub(" ", html.unescape(_TAG.sub(" ", page)))


def _seen(page: str) -> str:
    """Without what no reader sees. One pass: no page, however odd, takes long."""
    low, kept, place, endless = page.lower(), [], 0, set()
    while opening := _OPENS.search(page, place):
        closing = f"</{opening[1].lower()}" if opening[1] else "-->"
        end = -1 if closing in endless else low.find(closing, opening.end())
        if end < 0:  # it never ends: read on behind it
            endless.add(closing)
        kept.append(page[place : opening.start()])
        place = opening.end() if end < 0 else end
        if end >= 0 and closing == "-->":
            place += len(closing)
    return " ".join([*kept, page[place:]])
