"""SMTP replies, read incrementally (RFC 5321 §4.2)."""

from __future__ import annotations

import re
from functools import lru_cache

LINE_LIMIT = 4096
"""Octets of one reply line; RFC 5321 §4.5.3.1.5 asks for 512."""
REPLY_LIMIT = 65536
"""Octets of one reply of several lines."""
TEXT_LIMIT = 500

Reply = tuple[int, bytes]
"""The code, and the text of its lines joined by a newline (a trailing CR may remain)."""

_CODES = {b"%d" % code: code for code in range(200, 600)}
"""Unknown ones too: a client goes by the first digit (RFC 5321 §4.3.2)."""
_LAST = {b"%d " % code: code for code in _CODES.values()}
"""Prefixes of a line that is a whole reply, or the last line of one."""
_ENHANCED = re.compile(r"([245])\.[0-9]{1,3}\.[0-9]{1,3}")


class ReplyParser:
    """Splits a stream of octets into replies, whatever pieces it arrives in."""

    __slots__ = ("_lines", "_rest", "_size", "broken")

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._size = 0
        self.broken = ""
        """Why the stream is no longer SMTP; "" while it is. Nothing after that point is read."""

    @property
    def inside(self) -> bool:
        """Whether a reply has begun and not ended."""
        return bool(self._rest or self._lines or self.broken)

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that `data` completes. After garbage, `broken` says what was wrong."""
        replies: list[Reply] = []
        if self.broken:
            return replies
        lines = (self._rest + data).split(b"\n") if self._rest else data.split(b"\n")
        self._rest = lines.pop()
        slow = bool(self._lines) or len(data) > LINE_LIMIT
        for line in lines:
            code = _LAST.get(line[:4])
            if code is not None and not slow:
                replies.append((code, line[4:]))
            elif self._slowly(line, replies):
                slow = bool(self._lines) or len(data) > LINE_LIMIT
            else:
                return replies
        if len(self._rest) > LINE_LIMIT:
            self.broken = "reply line without an end"
        return replies

    def _slowly(self, line: bytes, replies: list[Reply]) -> bool:
        """Read a line of a multi-line reply, or an unusual line; return False if it is no reply at all."""
        code, mark = _CODES.get(line[:3]), line[3:4]
        if code is None or mark not in (b" ", b"-", b"\r", b""):
            self.broken = f"not a reply: {printable(line)[:80]!r}"
        elif self._lines and line[:3] != self._lines[0]:
            self.broken = "codes differ within one reply"
        elif len(line) > LINE_LIMIT or self._size > REPLY_LIMIT:
            self.broken = "reply too long"
        if self.broken or code is None:
            return False
        self._lines = self._lines or [line[:3]]
        self._lines.append(line[4:].rstrip(b"\r"))
        self._size += len(line)
        if mark != b"-":
            replies.append((code, b"\n".join(self._lines[1:])))
            self._lines = []
            self._size = 0
        return True

    def clear(self) -> None:
        """Forget input that is not yet a whole reply: plain text after STARTTLS (RFC 3207 §4.2)."""
        self._rest = b""
        self._lines = []
        self._size = 0
        self.broken = ""


def printable(raw: bytes) -> str:
    """A reply's text as one printable line of at most 500 characters."""
    text = raw.decode("utf-8", "replace").strip()
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text[:TEXT_LIMIT]


def enhanced_status(code: int, text: str) -> str:
    """The enhanced status that begins `text` if its class is the code's (RFC 2034 §4), else ""."""
    return _status(code // 100, text[:12].partition(" ")[0]) if text[1:2] == "." else ""


@lru_cache(maxsize=256)
def _status(kind: int, word: str) -> str:
    found = _ENHANCED.fullmatch(word)
    return word if found and int(found.group(1)) == kind else ""
