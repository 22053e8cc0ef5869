"""A message's octets as they travel."""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n|\r|\n")


def whole_lines(data: bytes) -> bytes:
    """`data` with every line, the last one too, ended by CRLF.

    A bare CR or LF is no line end in SMTP (RFC 5321 §2.3.8), but some servers take it for one: a message could then
    smuggle commands behind "LF . CR LF".
    """
    pairs = data.count(b"\r\n")
    if data.count(b"\n") != pairs or data.count(b"\r") != pairs:
        data = _LINE_END.sub(b"\r\n", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def dot_stuffed(data: bytes) -> bytes:
    """`data` with a dot put before each line that begins with one (RFC 5321 §4.5.2)."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
