"""Which characters a text may hold: what breaks XML, a mail or a terminal goes at entry, not where it is used."""

import re

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
"""All that a program calls a line end; slides and word processors write a vertical tab."""
_CONTROLS = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff"
    + "".join(chr(plane << 16 | low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
"""Controls, half surrogate pairs, noncharacters, the byte order mark: nobody sees them, and parsers stop at them."""


class NotText(ValueError):
    """These bytes are no text; the message says where it breaks and what to do."""


def text(typed: str | None) -> str:
    """Several lines as the product keeps them: ended by LF, nothing but characters that XML 1.0 §2.2 allows."""
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", typed or ""))


def line(typed: str | None) -> str:
    """One line: runs of white space, line ends too, become one space."""
    return " ".join(text(typed).split())


def decode(raw: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 where a byte order mark says so. Raises NotText."""
    codec = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    try:
        return text(raw.decode(codec))
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise NotText(f"Line {number} is not UTF-8. Save the file as UTF-8 and try again.") from None
