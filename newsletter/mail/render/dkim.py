"""DKIM signatures with our own keys (RFC 6376, RFC 8301, RFC 8463): header fields relaxed, bodies simple.

A simple body costs one hash and no pass over its lines. It is safe here: no body line is longer than 76 octets, begins
with a dot or ends in white space, so no relay has a reason to change one.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

import idna

from newsletter.mail.render import mime
from newsletter.mail.render.dkim_key import DkimKey

SIGNED = (
    "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
    "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID",
)  # fmt: skip
"""Signed if present (RFC 6376 §5.4.1, RFC 8058 §4). A missing field is not named: a relay may add it."""
OVERSIGNED = ("From", "Subject")
"""Named once more than they occur, so that nobody can add another (RFC 6376 §8.15)."""

_END_OF_HEAD = mime.CRLF * 2
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_SPACE = re.compile(rb"[ \t\r\n]+")
_NAMES = re.compile(r".{1,76}[:;]")  # a line of them: with the space before it, 78 (RFC 5322 §2.1.1)
_WIDTH = 72  # octets of a signature on one line


@dataclass(frozen=True, slots=True)
class Fields:
    """The signed header fields: their names as in `h=`, their octets in canonical form."""

    names: str
    canonical: bytes


@dataclass(frozen=True, slots=True)
class Dkim:
    """Signs for one domain, one signature per key, in order. Thread-safe."""

    domain: str
    """As in `d=`, in ASCII."""
    keys: tuple[DkimKey, ...]

    def is_aligned(self, sender: str) -> bool:
        """Whether a signature covers mail from this address: its domain is ours or below (RFC 7489 §3.1.1)."""
        host = idna.encode(sender.rpartition("@")[2], uts46=True).decode()
        return host == self.domain or host.endswith(f".{self.domain}")

    def signed(self, message: bytes, now: datetime) -> bytes:
        """A complete message (RFC 5322, CRLF line ends) with its signatures prepended."""
        head = message[: message.index(_END_OF_HEAD) + len(mime.CRLF)]
        return self.signatures(fields(head), message, now) + message

    def signatures(self, signed: Fields, message: bytes, now: datetime) -> bytes:
        """The DKIM-Signature lines of a complete message whose signed fields are already canonical."""
        filling = (int(now.timestamp()), b64encode(_body_hash(message)))
        common = sha256(signed.canonical)
        lines = []
        for key in self.keys:
            line, canonical = _unsigned(self.domain, key.selector, key.algorithm, signed.names)
            digest = common.copy()
            digest.update(canonical % filling)
            coded = b64encode(key.sign(digest.digest()))
            folded = b"\r\n ".join(coded[start : start + _WIDTH] for start in range(0, len(coded), _WIDTH))
            lines.append(line % filling + folded + mime.CRLF)
        return b"".join(lines)


def fields(head: bytes) -> Fields:
    """The signed fields of a header (RFC 6376 §3.4.2). Of a repeated field, the last counts (§5.4.2)."""
    found: dict[bytes, bytes] = {}
    for line in _FOLD.sub(b"", head).split(mime.CRLF):
        name, colon, value = line.partition(b":")
        if colon:
            found[name.strip().lower()] = value
    present = [name for name in SIGNED if name.lower().encode() in found]
    names = [name for name in present for _ in range(1 + (name in OVERSIGNED))]
    lowered = [name.lower().encode() for name in present]
    return Fields(":".join(names), b"".join(name + b":" + relaxed(found[name]) + mime.CRLF for name in lowered))


def relaxed(value: bytes) -> bytes:
    """A header field's value in "relaxed" canonical form, without a line end (RFC 6376 §3.4.2)."""
    return _SPACE.sub(b" ", value).strip(b" ")


def _body_hash(message: bytes) -> bytes:
    """Return SHA-256 of the body in "simple" canonical form, which ends in one line end (RFC 6376 §3.4.3)."""
    start, end = message.index(_END_OF_HEAD) + len(_END_OF_HEAD), len(message)
    while message.endswith(mime.CRLF, start, end):
        end -= len(mime.CRLF)
    digest = sha256(memoryview(message)[start:end])
    digest.update(mime.CRLF)
    return digest.digest()


@lru_cache(maxsize=64)
def _unsigned(domain: str, selector: str, algorithm: str, names: str) -> tuple[bytes, bytes]:
    """A DKIM-Signature up to its `b=`, as sent and as signed; `% (seconds, body hash)` fills both."""
    tags = mime.header(
        "DKIM-Signature", "v=1;", f"a={algorithm};", "c=relaxed/simple;", f"d={domain};", f"s={selector};",
        *_NAMES.findall(f"h={names};"),
    )  # fmt: skip
    line = tags + b" t=%d; bh=%b;\r\n b="
    name, _, value = line.partition(b":")
    return line, name.lower() + b":" + relaxed(value)
