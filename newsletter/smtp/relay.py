"""A mail relay, as one entry of SMTP_URL names it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

import idna

Tls = Literal["required", "opportunistic", "none"]

_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?"
)
_LOGIN = re.compile(r"(smtps?://)[^,/]*@", re.IGNORECASE)
_LITERAL = re.compile(r"\[[0-9A-Fa-f.:]+\]|\[IPv6:[0-9A-Fa-f.:]+\]")


@dataclass(frozen=True, slots=True)
class Relay:
    """One server that takes our mail. Its `str` and `repr` never show the password."""

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    implicit_tls: bool = False
    tls: Tls = "opportunistic"
    weight: int = 1
    connections: int = 20
    pipeline: int = 8
    helo: str = ""

    @classmethod
    def parse(cls, url: str) -> Relay:
        """Read `smtp://user:pass@host:587?weight=2&connections=8&tls=required&pipeline=16&helo=name`.

        `smtps://` is TLS from the first octet (port 465, RFC 8314); `smtp://` is port 587 with credentials and 25
        without. User and password are percent-decoded. ValueError names the bad part, never the password.
        """
        scheme, mark, rest = url.strip().partition("://")
        if not mark or scheme.lower() not in ("smtp", "smtps"):
            raise ValueError("a relay must begin with smtp:// or smtps://")
        credentials, _, place = rest.rpartition("@")
        authority, _, query = place.partition("?")
        username, _, password = credentials.partition(":")
        if bool(username) != bool(password):
            raise ValueError("a relay's credentials must be user:password, both percent-encoded")
        implicit = scheme.lower() == "smtps"
        host, port = _host_and_port(authority, 465 if implicit else 587 if username else 25)
        options = _options(query)
        if implicit and options.get("tls", "required") != "required":
            raise ValueError("tls must be required, or left out, for smtps://")
        default: Tls = "required" if implicit or (username and not is_loopback(host)) else "opportunistic"
        options.setdefault("tls", default)
        return cls(
            host=host,
            port=port,
            username=unquote(username),
            password=unquote(password),
            implicit_tls=implicit,
            **options,
        )

    @property
    def name(self) -> str:
        """Return "host:port", an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether the relay is this machine."""
        return is_loopback(self.host)

    @property
    def verified(self) -> bool:
        """Whether the relay's certificate must be valid and carry its name."""
        return self.implicit_tls or self.tls == "required" or (bool(self.username) and not self.loopback)

    def __str__(self) -> str:
        """Name the relay without its password."""
        user = f"{self.username}:***@" if self.username else ""
        return f"{'smtps' if self.implicit_tls else 'smtp'}://{user}{self.name}"


def parse_relays(value: str) -> list[Relay]:
    """Read a comma-separated list of relays (SMTP_URL). ValueError says which entry is bad and why."""
    entries = _entries(value)
    if not entries:
        raise ValueError("no relay given; expected smtp://host:port")
    relays = []
    for number, entry in enumerate(entries, 1):
        try:
            relays.append(Relay.parse(entry))
        except ValueError as error:
            raise ValueError(f"relay {number}: {error}" if len(entries) > 1 else str(error)) from None
    return relays


def _entries(value: str) -> list[str]:
    return [entry.strip() for entry in re.split(r",\s*(?=[A-Za-z]+://|$)", value) if entry.strip()]


def without_login(urls: str) -> str:
    """The relays without user names and passwords, for a process that sends nothing."""
    try:
        both = zip(_entries(urls), parse_relays(urls), strict=True)
        return ",".join(_without_login(entry, relay) for entry, relay in both)
    except ValueError:  # the process that sends reports what is wrong
        return _LOGIN.sub(r"\1", urls)


def _without_login(entry: str, relay: Relay) -> str:
    """The entry with its port, whose default may have depended on the login."""
    scheme, mark, query = entry.partition("://")[0], *entry.rpartition("@")[2].partition("?")[1:]
    return f"{scheme}://{relay.name}{mark}{query}"


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def is_helo(name: str) -> bool:
    """Whether `name` may follow EHLO: a host name or an address literal (RFC 5321 §4.1.1.1)."""
    return bool(_HOST.fullmatch(name) or _LITERAL.fullmatch(name))


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    """Split "host:port" or "[ipv6]:port". What was given is never echoed: it may be a misplaced password."""
    authority = authority.removesuffix("/")
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::(.*))?", authority)
    if bracketed:
        host, digits = str(ip_address(bracketed[1])), bracketed[2]
    else:
        host, mark, after = authority.partition(":")
        digits = after if mark else None
    if not host.isascii():
        host = _ascii_host(host)
    if not bracketed and not _HOST.fullmatch(host):
        raise ValueError("the relay's host must be a host name, an IPv4 address or an IPv6 address in [brackets]")
    if digits is None:
        return host, default
    if not re.fullmatch(r"[0-9]{1,5}", digits) or not 1 <= int(digits) <= 65535:
        raise ValueError("the relay's port must be a number from 1 to 65535 (smtp://user:password@host:port)")
    return host, int(digits)


def _ascii_host(host: str) -> str:
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError("the relay's host is not a valid internationalised name") from None


def _whole(name: str, low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", value) or not low <= int(value) <= high:
            raise ValueError(f"{name} must be a whole number from {low} to {high}, not {value!r}")
        return int(value)

    return read


def _tls(value: str) -> Tls:
    match value:
        case "required" | "opportunistic" | "none":
            return value
    raise ValueError(f"tls must be required, opportunistic or none, not {value!r}")


def _helo(value: str) -> str:
    if not is_helo(value):
        raise ValueError(f"helo must be a host name or an address in [brackets], not {value!r}")
    return value


_READERS: dict[str, Callable[[str], Any]] = {
    "weight": _whole("weight", 1, 1000),
    "connections": _whole("connections", 1, 500),
    "pipeline": _whole("pipeline", 1, 100),
    "tls": _tls,
    "helo": _helo,
}


def _options(query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _READERS:
            raise ValueError(f"unknown option {name!r}; known are {', '.join(sorted(_READERS))}")
        if name in options:
            raise ValueError(f"{name} is given twice")
        options[name] = _READERS[name](value)
    return options
