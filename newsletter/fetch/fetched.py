"""Fetched: a response, and how its body is decoded to text."""

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
"""Encodings of web pages (WHATWG Encoding §4.2); Python's other codecs, some not even for text, are refused."""


LONGEST_TAG, LONGEST_DATE = 500, 100


@dataclass(frozen=True, slots=True)
class Version:
    """A response's validators (RFC 9110 §8.8.2, §8.8.3); "" where it sent none."""

    etag: str = ""
    last_modified: str = ""

    @classmethod
    def told(cls, etag: str | None, last_modified: str | None) -> "Version":
        """From response headers; drops values that could not be sent back as a header."""
        return cls(_echoable(etag, LONGEST_TAG), _echoable(last_modified, LONGEST_DATE))


NEVER_SEEN = Version()


def _echoable(told: str | None, longest: int) -> str:
    line = (told or "").strip()
    return line if line.isascii() and line.isprintable() and len(line) <= longest else ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A response. `address`: the final URL. `kind`: its media type. `charset`: "" if it names none."""

    address: str
    kind: str
    charset: str
    body: bytes
    version: Version = NEVER_SEEN

    def text(self) -> str:
        """The body decoded by its BOM, the header's charset, its own declaration, else UTF-8, else cp1252.

        Undecodable octets become replacement characters; unknown charsets are ignored.
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
    """Python's name of a charset, "" if not accepted. Latin-1 and ASCII become cp1252, as in browsers."""
    try:
        name = codecs.lookup(label).name if label else ""
    except (LookupError, ValueError):
        return ""
    if name in ("iso8859-1", "ascii"):
        return "cp1252"
    return name if name in _FOR_TEXT else ""
