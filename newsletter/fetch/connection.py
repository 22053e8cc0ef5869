"""A connection to an address that was checked, and to no other: the name is not looked up a second time.

Everything on it ends at one time, so that a server which sends a byte now and then holds nobody.
"""

import io
import socket
import ssl
import time
from collections.abc import Sequence
from http.client import HTTPException, HTTPResponse
from typing import Any

from newsletter.fetch.fetched import Version
from newsletter.fetch.target import Target
from newsletter.fetch.trouble import NotFetched, Trouble
from newsletter.networks import Address

PER_ADDRESS = 4.0
"""Seconds for one of several addresses of a site, before the next is tried."""
AGENT = "newsletter (reads feeds and pages for its owner)"


class _Timed(io.RawIOBase):
    """What arrives on a socket, until the time is over."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock, self._until = sock, until

    def readable(self) -> bool:
        """It is read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next octets. Raises TimeoutError."""
        self._sock.settimeout(left(self._until))
        return self._sock.recv_into(buffer)


class _Answering:
    """What HTTPResponse wants of a socket."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._raw = _Timed(sock, until)

    def makefile(self, *_how: Any, **_more: Any) -> io.BufferedReader:
        """The answer."""
        return io.BufferedReader(self._raw)


def left(until: float) -> float:
    """Seconds that are left. Raises TimeoutError where there are none."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def connected(target: Target, addresses: Sequence[Address], until: float) -> socket.socket:
    """A socket to the first of these that answers. Raises NotFetched, TimeoutError."""
    for one in addresses:
        try:
            sock = socket.create_connection((str(one), target.port), timeout=min(left(until), PER_ADDRESS))
        except OSError:
            left(until)
            continue
        return _secured(sock, target, until) if target.scheme == "https" else sock
    raise NotFetched(Trouble.UNREACHABLE)


def _secured(sock: socket.socket, target: Target, until: float) -> socket.socket:
    try:
        sock.settimeout(left(until))
        return ssl.create_default_context().wrap_socket(sock, server_hostname=target.host)
    except ssl.SSLError:
        sock.close()
        raise NotFetched(Trouble.TLS) from None
    except OSError:
        sock.close()
        raise


def asked(sock: socket.socket, target: Target, kinds: Sequence[str], until: float, seen: Version) -> HTTPResponse:
    """Ask for another version than the one that was seen, and read the head of the answer (RFC 9112, RFC 9110 §13.1).

    Raises HTTPException, OSError.
    """
    fields = {"Host": target.named, "User-Agent": AGENT, "Accept": ", ".join(kinds), "Accept-Encoding": "gzip",
              "Connection": "close", "If-None-Match": seen.etag, "If-Modified-Since": seen.last_modified}  # fmt: skip
    lines = [
        " ".join(("GET", target.path, "HTTP/1.1")),
        *(f"{name}: {value}" for name, value in fields.items() if value),
        "",
        "",
    ]
    sock.settimeout(left(until))
    sock.sendall("\r\n".join(lines).encode("ascii"))
    answer = HTTPResponse(_Answering(sock, until), method="GET")  # type: ignore[arg-type]
    try:
        answer.begin()
    except ValueError:  # a length that is no number
        raise HTTPException from None
    return answer
