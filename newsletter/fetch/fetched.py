"""Fetched: what stood at an address, and how its octets are read as text."""

import codecs
import re
from dataclasses import dataclass

from newsletter import characters

PAGES = ("text/html", "application/xhtml+xml")
FEEDS = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/xml", "text/xml")
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(
    rb"""(?:<meta[^>]{0,200}?charset\s*=|<\?xml[^>]{0,100}?encoding\s*=)\s*["']?([\w:.-]{1,40})""", re.IGNORECASE
)
_FOR_TEXT = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "mac-roman", "gbk", "gb18030", "big5", "euc_jp", "iso2022_jp",
     "shift_jis", "euc_kr", "cp866", "cp874", "koi8-r", "koi8-u", "gb2312", "cp932", "cp949"}
    | {f"cp125{number}" for number in range(9)} | {f"iso8859-{number}" for number in range(2, 17)}
)  # fmt: skip
"""What pages are written in (WHATWG Encoding §4.2); Python knows others, and some of them are no such thing."""


LONGEST_TAG, LONGEST_DATE = 500, 100


@dataclass(frozen=True, slots=True)
class Version:
    """What a site calls what stands at an address now (RFC 9110 §8.8.2, §8.8.3); "" where it does not say."""

    etag: str = ""
    last_modified: str = ""

    @classmethod
    def told(cls, etag: str | None, last_modified: str | None) -> "Version":
        """What a site has said, as far as it can be said back to it in one line."""
        return cls(_sayable(etag, LONGEST_TAG), _sayable(last_modified, LONGEST_DATE))


NEVER_SEEN = Version()


def _sayable(told: str | None, longest: int) -> str:
    line = (told or "").strip()
    return line if line.isascii() and line.isprintable() and len(line) <= longest else ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. `address`: where it was found at last. `kind`: its media type. `charset`: "" where it names none."""

    address: str
    kind: str
    charset: str
    body: bytes
    version: Version = NEVER_SEEN

    def text(self) -> str:
        """The body as text: by its mark, by what the answer says, by what it says itself, else as UTF-8.

        What cannot be read becomes a replacement character; a name that is none counts as not given.
        """
        for mark, codec in _MARKS:
            if self.body.startswith(mark):
                return characters.text(self.body.decode(codec, "replace"))
        inside = _DECLARED.search(self.body[:2048])
        for label in (self.charset, inside[1].decode("ascii", "replace") if inside else ""):
            if codec := _codec(label):
                return characters.text(self.body.decode(codec, "replace"))
        try:
            return characters.text(self.body.decode())
        except UnicodeDecodeError:
            return characters.text(self.body.decode("cp1252", "replace"))


def _codec(label: str) -> str:
    """What Python calls a charset; "" for one that pages are not written in. Latin 1 means cp1252, as browsers do."""
    try:
        name = codecs.lookup(label).name if label else ""
    except (LookupError, ValueError):
        return ""
    if name in ("iso8859-1", "ascii"):
        return "cp1252"
    return name if name in _FOR_TEXT else ""
