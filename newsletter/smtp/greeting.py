"""Opens a session, from the banner to the login: EHLO, STARTTLS, AUTH. Knows no socket."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Generator
from dataclasses import dataclass

from newsletter.smtp.auth import MECHANISMS, AuthError, choose
from newsletter.smtp.features import Features
from newsletter.smtp.relay import Relay
from newsletter.smtp.reply import Reply, enhanced_status, printable
from newsletter.smtp.troubles import Trouble, trouble_of

TLS = "TLS"
"""The step after which the caller does the TLS handshake and comes back with an empty reply."""


@dataclass(frozen=True, slots=True)
class Step:
    """Octets to send, and what to await then, named as in `SmtpResult.at_command`."""

    waits_for: str
    data: bytes = b""


Greeting = Generator[Step, Reply, Features]
"""A session's opening: yields steps, takes the reply to each, returns what the server can do."""


class Refused(Exception):
    """The relay cannot be used: `code` is its reply or 0, `text` its words or ours.

    `broken`: the connection ended or no reply came in time, which may happen at any command and says nothing about it.
    """

    def __init__(self, code: int, text: str, at_command: str, *, broken: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.at_command = at_command
        self.broken = broken

    @property
    def trouble(self) -> Trouble:
        """The kind of refusal."""
        if self.broken:
            return Trouble.UNREACHABLE
        status = enhanced_status(self.code, self.text)
        return trouble_of(self.code, status, self.text, self.at_command) or Trouble.UNREACHABLE


def greet(relay: Relay, helo: str, *, encrypt: bool = True) -> Greeting:
    """Open a session (RFC 5321 §3.1, RFC 3207, RFC 4954). Raises Refused; `encrypt=False` skips STARTTLS."""
    reply = yield Step("banner")
    _expect(reply, 2, "banner")
    features = yield from _ehlo(helo)
    secure = relay.implicit_tls
    if not secure and relay.tls != "none" and encrypt:
        if features.starttls:
            _expect((yield Step("STARTTLS", b"STARTTLS\r\n")), 2, "STARTTLS")
            yield Step(TLS)
            secure = True
            # What was offered in clear text may be forged: ask again (RFC 3207 §4.2).
            features = yield from _ehlo(helo)
        elif relay.tls == "required":
            raise Refused(0, "TLS is required and the relay does not offer STARTTLS", "STARTTLS")
    if relay.username:
        yield from _authenticate(relay, features, private=secure or relay.loopback)
    return features


def _expect(reply: Reply, kind: int, at_command: str) -> None:
    code, text = reply
    if code // 100 != kind:
        raise Refused(code, printable(text), at_command)


def _ehlo(helo: str) -> Generator[Step, Reply, Features]:
    code, text = yield Step("EHLO", f"EHLO {helo}\r\n".encode("ascii"))
    if code in (500, 501, 502, 504, 550):
        _expect((yield Step("EHLO", f"HELO {helo}\r\n".encode("ascii"))), 2, "EHLO")
        return Features()
    _expect((code, text), 2, "EHLO")
    return Features.parse(text)


def _authenticate(relay: Relay, features: Features, *, private: bool) -> Generator[Step, Reply, None]:
    name = choose(features.auth, private=private)
    if not name:
        offered = " ".join(sorted(features.auth)) or "none"
        raise Refused(0, f"no usable way to log in (offered: {offered}; PLAIN and LOGIN need TLS)", "AUTH")
    exchange = MECHANISMS[name](relay.username, relay.password)
    try:
        first = next(exchange)
        line = f"AUTH {name} {_encoded(first)}" if first else f"AUTH {name}"
        code, text = yield Step("AUTH", f"{line}\r\n".encode("ascii"))
        while code == 334:
            answer = exchange.send(_challenge(text))
            code, text = yield Step("AUTH", f"{_encoded(answer)}\r\n".encode("ascii"))
        _expect((code, text), 2, "AUTH")
        exchange.send(b"")
    except AuthError as error:
        raise Refused(0, str(error), "AUTH") from None
    except StopIteration:
        if code // 100 != 2:
            raise Refused(0, f"{name}: the server asks for more than it may", "AUTH") from None
    else:
        raise Refused(0, f"{name}: the server ended the exchange too early", "AUTH")


def _encoded(answer: bytes) -> str:
    return base64.b64encode(answer).decode("ascii")


def _challenge(text: bytes) -> bytes:
    try:
        return base64.b64decode(text.strip())
    except (binascii.Error, ValueError):
        raise AuthError("the server's challenge is not base64") from None
