"""Reads bounces: who could not be reached and why, from the delivery status (RFC 3464) or else from the words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from newsletter.mail.incoming.meaning import meaning
from newsletter.mail.incoming.parts import Fields, Parts
from newsletter.mail.replies import BounceClass

ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,9}", re.ASCII)
_LEADING = re.compile(
    r"^[ \t>*-]*+(?!(?:mail )?from|sender|reply)(?:[\w ]{0,30}:[ \t]*|\d{3} (?:\d\.\d\.\d )?)?[<(\[\"']?"
    rf"({ADDRESS.pattern})", re.MULTILINE | re.ASCII | re.IGNORECASE,
)  # fmt: skip
"""An address at the start of a line, or after a label or a reply's code."""
_CODE = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\d.\[:/-])([45]\d\d)(?=[ \-#]|\Z)(?![\d.]*\.\d)")
_GENERIC = re.compile(r"[45]\.(?:0\.0|5\.\d+|3\.0|1\.0|2\.0|4\.[01]|7\.0|7\.17|4\.7)\Z|\Z")
"""Codes that say little: the other server's reply, or the words, say more."""
_FROM = re.compile(
    r"mailer-?daemon|postmaster|mail ?delivery|mail ?administrator|mail ?router|bounce|daemon@|mta@|post_master", re.I
)
_SUBJECT = re.compile(
    "undeliver|delivery (?:status|fail|error|problem|report|notif|has fail)|failed delivery|returned (?:mail|to sender)"
    "|returning message|failure (?:notice|delivery)|mail (?:delivery|failure|could not|error|system error)"
    "|non-?deliver|delivery .{0,30}(?:fail|impossible)|(?:cannot|can't|could ?n[o']t|not) be (?:delivered|sent)"
    "|message (?:fail|status)|notification: .*fail|permanent .*(?:failure|error)|unable to deliver|rejected"
    "|unzustellbar|non remis|error.*mail|user unknown|dsn:",
    re.IGNORECASE,
)
_NOT_FAILED = re.compile(
    r"delayed|still trying|will (?:keep|continue) (?:on )?(?:trying|to try)|no action is required|warning message",
    re.IGNORECASE,
)
_AT_DATA = re.compile(
    r"end of data|>>> (?:DATA|\.)\s+<<< 5|in reply to .{0,8}DATA|after DATA|MAIL FROM:? ?<[^>]*>[^\n]*\n? *(?:host|:)",
    re.IGNORECASE,
)
"""Signs that the server refused the content or the sender, not the address."""
_REPLIED = re.compile(r"[45]\d\d ")
MOST = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient who was not reached."""

    address: str
    """As the reporting server names it; in lower case."""
    bounce: BounceClass
    status: str
    """The enhanced code (RFC 3463); "" if there was none."""
    code: int
    """The SMTP reply's code; 0 if there was none."""
    words: str
    original: str = ""
    """The address the mail was first sent to, if the report says so."""


def failures(parts: Parts) -> list[Failure]:
    """The recipients this bounce says were not reached; none if it is not a bounce."""
    reported = [block for block in parts.status if block.keys() & {"final-recipient", "original-recipient", "action"}]
    if reported:
        return [
            _of_status(block, parts) for block in reported[:MOST] if block.get("action", "failed").lower()[:4] == "fail"
        ]
    return _by_words(parts)[:MOST] if _looks_like_one(parts) else []


def _of_status(block: Fields, parts: Parts) -> Failure:
    final, original = _address(block.get("final-recipient", "")), _address(block.get("original-recipient", ""))
    address = final or original or _address(parts.returned.get("to", ""))
    said = block.get("diagnostic-code", "").partition(";")[2].strip() or block.get("diagnostic-code", "")
    near = _near(address, parts.notice) if address else ""
    status = _code_in(block.get("status", ""))
    if (reported := _best_code(said)) and not _GENERIC.match(reported):
        status = reported
    if _GENERIC.match(status):
        inner = [one for one in _CODE.findall(f"{said} {near}") if one[0] == "5" and not _GENERIC.match(one)]
        status = inner[0] if inner else _code_in(said) or status
    return _failure(address, status, said or near, parts, original)


def _failure(address: str, status: str, words: str, parts: Parts, original: str = "") -> Failure:
    reply = _REPLY.search(words)
    enough = words if len(words) > 20 else f"{words} {parts.notice}"
    bounce = meaning(status, enough, at_rcpt=not _AT_DATA.search(_near(address, parts.notice) or parts.notice))
    return Failure(
        address=address.lower(),
        bounce=bounce,
        status=status,
        code=int(reply[1]) if reply else 0,
        words=_one_line(words),
        original=original.lower(),
    )


def _by_words(parts: Parts) -> list[Failure]:
    notice = parts.notice
    named = _named(parts)
    if not named:
        return []
    found = []
    for number, address in enumerate(named):
        words = _near(address, notice, [*named[:number], *named[number + 1 :]]) if named[1:] else ""
        words = words or _near(address, notice)
        found.append(_failure(address, _best_code(words), words or notice, parts))
    if len(found) == 1 and found[0].bounce is BounceClass.NONE:  # the reason may be above the address
        found = [_failure(named[0], _best_code(notice), notice, parts)]
    return found


def _named(parts: Parts) -> list[str]:
    """The addresses the notice is about: named in its header, recipients of the mail, or leading a line."""
    head = ADDRESS.findall(parts.head.get("x-failed-recipients", ""))
    if head:
        return list(dict.fromkeys(head))
    here = {one.lower() for one in ADDRESS.findall(parts.head.get("to", ""))}
    ours = {one.lower() for one in ADDRESS.findall(parts.returned.get("from", ""))} | here
    to = ADDRESS.findall(" ".join(parts.returned.get(name, "") for name in ("to", "cc")))
    leading = [one.rstrip(".") for one in _LEADING.findall(parts.notice)]
    both = [one for one in leading if one.lower() in {other.lower() for other in to}]
    others = [one for one in leading if one.lower() not in ours and not _FROM.search(one)]
    anywhere = [one.rstrip(".") for one in ADDRESS.findall(parts.notice)]
    anywhere = [one for one in anywhere if one.lower() not in ours and not _FROM.search(one)]
    for some in (
        both and list(dict.fromkeys([*both, *others])),
        others,
        [one for one in to if one.lower() in parts.notice.lower()],
        anywhere,
        to,
    ):
        if some:
            return list({one.lower(): one for one in some}.values())
    return []


def _near(address: str, notice: str, others: Iterable[str] = ()) -> str:
    """What the notice says about an address: from its line to the next address."""
    if not address:
        return notice
    low = notice.lower()
    at = low.find(address.lower())
    if at < 0:
        return ""
    ends = [place for other in others if (place := low.find(other.lower(), at + len(address))) > 0]
    begin = low.rfind("\n", 0, at) + 1
    if _REPLIED.match(notice, begin):  # a line of an SMTP session: the next lines are about others
        ends.append(low.find("\n", at) % len(notice))
    return notice[begin : min([*ends, at + 1500])]


def _looks_like_one(parts: Parts) -> bool:
    head = parts.head
    sender, subject = head.get("from", ""), head.get("subject", "")
    if "multipart/report" in head.get("content-type", "").lower() or "x-failed-recipients" in head:
        return True
    if _NOT_FAILED.search(subject):
        return False
    return bool(_SUBJECT.search(subject) or _FROM.search(sender))


def _address(field: str) -> str:
    found = ADDRESS.search(field.partition(";")[2] or field)
    return found[0].rstrip(".") if found else ""


def _code_in(text: str) -> str:
    found = _CODE.search(text)
    return found[1] if found else ""


def _best_code(text: str) -> str:
    every = _CODE.findall(text)
    return next((one for one in every if not _GENERIC.match(one)), every[0] if every else "")


def _one_line(words: str) -> str:
    return " ".join(words.split())[:500]
