"""Encodes messages: header lines, quoted-printable bodies, multiparts (RFC 5322, 2045, 2046, 2047, 2231).

Not `email.message`: it wraps a long List-Unsubscribe into RFC 2047 words, which nobody decodes there, and takes a
millisecond. Every line returned ends in CRLF and has at most 998 octets, and none begins with a dot.
"""

import re
from base64 import b64encode
from urllib.parse import quote

CRLF = b"\r\n"
WORD = 45  # octets of UTF-8 in one encoded word: 60 of base64, 72 with its frame, under RFC 2047's 75
LINE = 76  # RFC 2045 §6.7 (5)

TOKEN = 200  # octets of a word left on one line: far below the 998 that RFC 5322 §2.1.1 allows

_PLAIN = re.compile(r"[\x20-\x7e]*\Z")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*\Z")
_CODED = re.compile(rb"[^\t -<>-~]|[\t ]\Z")
"""Octets to encode: all but printable ASCII, also "=", and white space at a line's end."""
_FRAGILE = re.compile(rb"\.|From(?: |=20\Z)")


def text_header(name: str, value: str) -> bytes:
    """A header line of free text; non-ASCII text becomes encoded words, and no line end survives."""
    value = " ".join(value.split())
    words = value.split(" ")
    if _PLAIN.match(value) and "=?" not in value and max(map(len, words)) <= TOKEN:
        return _folded(name, words)
    return _folded(name, _encoded_words(value))


def address_header(name: str, display: str, address: str) -> bytes:
    """A header line with one mailbox. A non-ASCII local part stays UTF-8 (RFC 6532), for SMTPUTF8 servers."""
    display = " ".join(display.split())
    if not display:
        return _folded(name, [address])
    if not _PLAIN.match(display) or "=?" in display or len(display) > TOKEN:
        phrase = _encoded_words(display)
    elif _ATOMS.match(display):
        phrase = display.split(" ")
    else:
        phrase = ['"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"']
    return _folded(name, [*phrase, f"<{address}>"])


def header(name: str, *tokens: str) -> bytes:
    """A header line of ASCII tokens, folded only between them and never encoded."""
    return _folded(name, list(tokens))


def _folded(name: str, tokens: list[str]) -> bytes:
    lines, line = [], f"{name}:"
    for token in tokens:
        if len(line) + 1 + len(token) > 78 and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {token}"
    return "\r\n".join([*lines, line]).encode() + CRLF


def _encoded_words(value: str) -> list[str]:
    words, chunk = [], b""
    for character in value:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > WORD:
            words.append(chunk)
            chunk = b""
        chunk += octets
    words.append(chunk)
    return [f"=?utf-8?b?{b64encode(word).decode()}?=" for word in words]


def quoted_printable(text: str) -> bytes:
    """Encode text as quoted-printable lines. A leading dot or "From " is encoded, so that no relay changes it."""
    lines = text.encode("utf-8", "replace").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return b"".join([_coded_line(line) for line in lines])


def _coded_line(line: bytes) -> bytes:
    coded = _CODED.sub(_hexadecimal, line)
    pieces, start = [], 0
    while True:
        if _FRAGILE.match(coded, start):
            pieces.append(b"=%02X" % coded[start])
            start += 1
            room = LINE - 3
        else:
            room = LINE
        if len(coded) - start <= room:
            return b"".join([*pieces, coded[start:], CRLF])
        end = start + room - 1  # one octet for the "=" of the soft line break
        code = coded.find(b"=", end - 2, end)
        if code >= 0:
            end = code  # do not split an octet's code
        pieces += [coded[start:end], b"=\r\n"]
        start = end


def _hexadecimal(octet: re.Match[bytes]) -> bytes:
    return b"=%02X" % octet[0][0]


def text_part(subtype: str, text: str) -> bytes:
    """A text part with its headers."""
    return (
        b"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        % subtype.encode()
        + quoted_printable(text)
    )


def pdf_part(filename: str, data: bytes) -> bytes:
    """An attached PDF; a non-ASCII name is encoded by RFC 2231."""
    name = f'filename="{filename}"' if _PLAIN.match(filename) else f"filename*=utf-8''{quote(filename)}"
    coded = b64encode(data)
    lines = [coded[i : i + LINE] for i in range(0, len(coded), LINE)]
    head = (
        f"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; {name}"
    )
    return head.encode() + CRLF * 2 + CRLF.join(lines) + CRLF


def multipart(subtype: str, boundary: str, parts: list[bytes]) -> bytes:
    """A multipart with its Content-Type header. Boundaries begin with "=_", which no encoded body can hold."""
    mark = f"=_{boundary}"
    head = f'Content-Type: multipart/{subtype}; boundary="{mark}"\r\n\r\n'.encode()
    body = b"".join(b"--" + mark.encode() + CRLF + part + CRLF for part in parts)
    return head + body + b"--" + mark.encode() + b"--" + CRLF
