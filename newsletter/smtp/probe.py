"""Tests one relay up to the login. Sends no mail, and records no secret."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from newsletter.smtp.channel import READ_OCTETS, resolve
from newsletter.smtp.greeting import TLS, Refused, Step, greet
from newsletter.smtp.relay import Relay
from newsletter.smtp.reply import Reply, ReplyParser, printable
from newsletter.smtp.tls import unverified_context, verified_context
from newsletter.smtp.troubles import Trouble

PATIENCE = 12.0
"""Seconds for the whole test, except the system's DNS lookup."""
CONNECT = 4.0
"""Seconds of these for one address."""
MOST_LINES = 60
HIDDEN = "***"
SHORTEST_HIDDEN = 4
"""Characters: a user name this long is masked in the server's replies; a shorter one occurs within other words."""


class Who(StrEnum):
    """Who a line comes from."""

    US = "us"
    SERVER = "server"
    NETWORK = "network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A test's result. `trouble`: None if the relay is ready to take mail."""

    lines: tuple[tuple[Who, str], ...]
    trouble: Trouble | None
    is_encrypted: bool
    is_verified: bool
    """Whether its certificate was checked and names it."""


def probe(relay: Relay, helo: str, *, context: ssl.SSLContext | None = None, patience: float = PATIENCE) -> Probe:
    """Connect, EHLO, STARTTLS, AUTH, QUIT. `context` replaces the one that trusts the system's certificates.

    Raises nothing, and takes at most `patience` seconds, plus the DNS lookup.
    """
    talk = _Talk(relay, context, time.monotonic() + patience)
    trouble: Trouble | None = None
    try:
        talk.connect()
        talk.through(helo)
    except Refused as refusal:
        trouble = refusal.trouble
        if not refusal.code:
            talk.note(Who.NETWORK, refusal.text)
    finally:
        talk.close()
    encrypted = talk.version != ""
    return Probe(
        lines=tuple(talk.lines[:MOST_LINES]), trouble=trouble, is_encrypted=encrypted,
        is_verified=encrypted and relay.verified,
    )  # fmt: skip


class _Talk:
    """One conversation."""

    def __init__(self, relay: Relay, context: ssl.SSLContext | None, until: float) -> None:
        self._relay, self._until = relay, until
        self._context = (context or verified_context()) if relay.verified else unverified_context()
        self._socket: socket.socket | None = None
        self._parser = ReplyParser()
        self._replies: list[Reply] = []
        self._secrets = {relay.password, base64.b64encode(relay.password.encode()).decode()}
        if len(relay.username) >= SHORTEST_HIDDEN:
            self._secrets |= {relay.username, base64.b64encode(relay.username.encode()).decode()}
        self.lines: list[tuple[Who, str]] = []
        self.version = ""

    def note(self, who: Who, text: str) -> None:
        """Record a line with secrets masked."""
        for secret in sorted(filter(None, self._secrets), key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        self.lines.append((who, printable(text.encode())))

    def connect(self) -> None:
        """Connect to the first address that answers. Raises Refused."""
        error: OSError = OSError("no address")
        try:
            for family, place in resolve(self._relay.host, self._relay.port):
                self._socket = socket.socket(family, socket.SOCK_STREAM)
                try:
                    self._socket.settimeout(min(self._left(), CONNECT))
                    self._socket.connect(place)
                    self.note(Who.NETWORK, f"{place[0]}:{self._relay.port}")
                except OSError as failed:
                    error = failed
                    self._socket.close()
                else:
                    if self._relay.implicit_tls:
                        self._encrypt()
                    return
        except OSError as failed:  # the name does not resolve
            error = failed
        self._socket = None
        raise Refused(0, str(error), "connect", broken=True)

    def through(self, helo: str) -> None:
        """Run the greeting, then QUIT. Raises Refused."""
        greeting = greet(self._relay, helo)
        try:
            step = next(greeting)
            while True:
                step = greeting.send(self._answer(step))
        except StopIteration:
            pass
        with suppress(Refused):  # the relay is ready, whatever QUIT brings
            self._send(b"QUIT\r\n", "QUIT")
            self._read("QUIT")

    def _answer(self, step: Step) -> Reply:
        if step.waits_for == TLS:
            self._encrypt()
            return 0, b""
        if step.data:
            self._send(step.data, step.waits_for)
        return self._read(step.waits_for)

    def _send(self, data: bytes, step: str) -> None:
        shown = data.decode("ascii").strip()
        if step == "AUTH":
            words = shown.split(" ")
            is_command = words[0] == "AUTH"
            self._secrets.update(words[2:] if is_command else words)
            shown = " ".join([*words[:2], *(HIDDEN for _ in words[2:])]) if is_command else HIDDEN
        self.note(Who.US, shown)
        try:
            self._open().sendall(data)
        except OSError as error:
            raise Refused(0, str(error), step, broken=True) from None

    def _read(self, step: str) -> Reply:
        try:
            while not self._replies and not self._parser.broken:
                link = self._open()
                link.settimeout(self._left())
                data = link.recv(READ_OCTETS)
                if not data:
                    raise Refused(0, "the server closed the connection", step, broken=True)
                self._replies += self._parser.feed(data)
        except OSError as error:
            raise Refused(0, str(error), step, broken=True) from None
        if not self._replies:
            raise Refused(0, self._parser.broken, step, broken=True)
        reply = self._replies.pop(0)
        for line in _written(reply):
            self.note(Who.SERVER, line)
        return reply

    def _encrypt(self) -> None:
        self._parser.clear()
        self._replies.clear()  # what came in clear text may be forged (RFC 3207 §4.2)
        link = self._open()
        try:
            link.settimeout(self._left())
            made = self._context.wrap_socket(link, server_hostname=self._relay.host.rstrip("."))
        except (ssl.SSLError, ssl.CertificateError, ValueError) as error:
            raise Refused(0, str(error), TLS) from None
        except OSError as error:
            raise Refused(0, str(error), TLS, broken=True) from None
        self._socket, self.version = made, made.version() or "TLS"
        self.note(Who.NETWORK, f"{self.version}, {(made.cipher() or ('',))[0]}")

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise OSError("not connected")
        return self._socket

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()


def _written(reply: Reply) -> Iterator[str]:
    """Yield a reply's lines as the server wrote them."""
    code, text = reply
    *before, last = text.decode("utf-8", "replace").split("\n")
    yield from (f"{code}-{line.rstrip()}" for line in before)
    yield f"{code} {last.rstrip()}"
