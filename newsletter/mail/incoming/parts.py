"""Parses a mail tolerantly into headers, text, reports and the returned mail."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import HeaderParser

from newsletter.mail.incoming.tidy import plain_lines

LARGEST = 512 * 1024
"""Octets of a mail that are read: the report comes first, the returned mail after it."""
MOST_PARTS = 50
_NOTICE_ENDS = re.compile(
    r"^[ \t>*]*+(?:-{2,}+|={4,}+|_{8,}+|\.{4,}+)?+[ \t]*+(?:"
    r"this is a copy of (?:the|your)|below this line is a copy|(?:below is|here is|following is) (?:a copy|the)"
    r"|the (?:header|text|first .{1,20}lines) of (?:the|your) (?:original|message)|your message (?:follows|headers)"
    r"|original (?:message|mail|e-?mail|headers?)|(?:returned|unsent|undelivered|undeliverable) (?:message|mail)"
    r"|(?:message|e-?mail) (?:headers? )?(?:follows?|text)|(?:start of )?(?:returned )?message (?:headers?|contents?)"
    r"|unsent message|copy of (?:the|your) (?:message|original)|received message"
    r")[^\n]{0,80}$",
    re.IGNORECASE | re.MULTILINE,
)
_HEAD = re.compile(r"^(?:Received|Return-Path|Message-ID|MIME-Version|DKIM-Signature): \S.*$", re.I | re.M)
_AGAIN = re.compile("^(?=Final-Recipient:)", re.IGNORECASE | re.MULTILINE)
_FIELD = re.compile(r"^[!-9;-~]+:")


Fields = dict[str, str]
"""Header fields by lower-case name; of duplicates, the first."""


@dataclass(slots=True)
class Parts:
    """One parsed mail."""

    head: Fields
    lines: list[tuple[str, str]]
    """Every header field, in order."""
    notice: str = ""
    """Its text in plain, up to the returned mail."""
    status: list[Fields] = field(default_factory=list)
    """The blocks of a delivery status (RFC 3464 §2.1): one about the mail, then one for each recipient."""
    report: Fields = field(default_factory=dict)
    """A feedback report (RFC 5965 §3)."""
    returned: Fields = field(default_factory=dict)
    """The header of the returned mail."""
    text: str = ""
    """All of its text, to be searched for what we have signed."""


def take_apart(raw: bytes) -> Parts:
    """Parse a mail."""
    mail = message_from_bytes(raw[:LARGEST], policy=policy.compat32)
    lines = [(name.lower(), _decoded(value)) for name, value in mail.items()]
    parts = Parts(_first(lines), lines)
    said: list[str] = []
    texts: list[str] = []
    for part in _walk(mail):
        kind = part.get_content_type()
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            text = _text(part)
            parts.status += _recipients(text)
        elif kind == "message/feedback-report":
            text = _text(part)
            parts.report = parts.report or next(iter(blocks(text)), {})
        elif kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global"):
            text = _text(part)
            parts.returned = parts.returned or next(iter(blocks(text)), {})
        else:
            text = _text(part)
            if kind == "text/html":
                text = plain_lines(text)
            if kind.startswith(("text/", "multipart/")):
                said.append(text)
        texts.append(text)
    parts.notice, rest = _cut("\n".join(said))
    parts.returned = parts.returned or next((one for one in blocks(rest) if one.keys() & {"to", "received"}), {})
    parts.text = "\n".join(texts)
    return parts


def _walk(mail: Message, depth: int = 0) -> Iterator[Message]:
    """Yield the parts of the mail itself, not of one it returns."""
    payload = mail.get_payload()
    if mail.get_content_maintype() != "multipart" or not isinstance(payload, list) or depth > 8:
        yield mail
        return
    for part in payload[:MOST_PARTS]:
        if isinstance(part, Message):
            yield from _walk(part, depth + 1)


def _text(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):  # message/*: the parser has parsed the inner mail
        return "\n\n".join(_flat(one) for one in payload[:MOST_PARTS] if isinstance(one, Message))
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return str(payload or "")
    return _characters(raw, part.get_content_charset())


def _flat(mail: Message) -> str:
    """An inner mail as text: its header, and what there is of its body."""
    head = "\n".join(f"{name}: {value}" for name, value in mail.items())
    payload = mail.get_payload()
    if isinstance(payload, list):
        return head + "\n\n" + "\n\n".join(str(one.get_payload()) for one in payload[:3] if isinstance(one, Message))
    return f"{head}\n\n{payload or ''}"


def _characters(raw: bytes, charset: str | None) -> str:
    try:
        return raw.decode(charset or "utf-8")
    except (LookupError, UnicodeError, ValueError):
        return raw.decode("latin-1")


def _decoded(value: object) -> str:
    text = str(value)
    with suppress(HeaderParseError, LookupError, UnicodeError, ValueError):
        text = str(make_header(decode_header(text))) if "=?" in text else text
    return " ".join(text.split())


def _first(lines: list[tuple[str, str]]) -> Fields:
    found: Fields = {}
    for name, value in lines:
        found.setdefault(name, value)
    return found


def blocks(text: str) -> list[Fields]:
    """Parse blocks of header fields separated by blank lines."""
    found = []
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").strip("\n")):
        block = block.lstrip("\n")
        if not _FIELD.match(block):
            continue
        parsed = HeaderParser(policy=policy.compat32).parsestr(block)
        if fields := _first([(name.lower(), " ".join(str(value).split())) for name, value in parsed.items()]):
            found.append(fields)
    return found


def _recipients(text: str) -> list[Fields]:
    """The blocks of a delivery status, one per recipient: some servers put several recipients in one."""
    every = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"))
    return blocks("\n\n".join(_AGAIN.sub("\n", one) if len(_AGAIN.findall(one)) > 1 else one for one in every))


def _cut(said: str) -> tuple[str, str]:
    """Split text into the notice and the returned mail."""
    said = said.replace("\r\n", "\n")
    marker, head = _NOTICE_ENDS.search(said), _HEAD.search(said)
    ends = [found.start() for found in (marker, head) if found and said[: found.start()].strip()]
    if not ends:
        return said, ""
    end = min(ends)
    behind = said[end:]
    if marker and marker.start() == end:
        behind = behind.partition("\n")[2]
    return said[:end], behind
