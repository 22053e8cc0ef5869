"""Connects to addresses that were already checked, without a second DNS lookup that could return others.

One deadline covers the whole exchange, so a server that trickles bytes cannot hold a worker.
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
"""Seconds for each of a site's addresses before the next is tried."""
AGENT = "newsletter (reads feeds and pages for its owner)"


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until a deadline."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock, self._until = sock, until

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next octets into `buffer`; returns how many. Raises TimeoutError."""
        self._sock.settimeout(seconds_left(self._until))
        return self._sock.recv_into(buffer)


class _ResponseSocket:
    """The part of a socket's interface that HTTPResponse uses."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._raw = _DeadlineReader(sock, until)

    def makefile(self, *_how: Any, **_more: Any) -> io.BufferedReader:
        """A buffered reader of the response."""
        return io.BufferedReader(self._raw)


def seconds_left(until: float) -> float:
    """Seconds until this monotonic deadline. Raises TimeoutError if it has passed."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def connect(target: Target, addresses: Sequence[Address], until: float) -> socket.socket:
    """A socket to the first address that accepts, with TLS for https. Raises NotFetched, OSError."""
    for one in addresses:
        try:
            sock = socket.create_connection((str(one), target.port), timeout=min(seconds_left(until), PER_ADDRESS))
        except OSError:
            seconds_left(until)
            continue
        return _with_tls(sock, target, until) if target.scheme == "https" else sock
    raise NotFetched(Trouble.UNREACHABLE)


def _with_tls(sock: socket.socket, target: Target, until: float) -> socket.socket:
    try:
        sock.settimeout(seconds_left(until))
        return ssl.create_default_context().wrap_socket(sock, server_hostname=target.host)
    except ssl.SSLError:
        sock.close()
        raise NotFetched(Trouble.TLS) from None
    except OSError:
        sock.close()
        raise


def send_request(
    sock: socket.socket, target: Target, kinds: Sequence[str], until: float, seen: Version
) -> HTTPResponse:
    """Send a GET, conditional on `seen`, and read the response's header (RFC 9112, RFC 9110 §13.1).

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
    sock.settimeout(seconds_left(until))
    sock.sendall("\r\n".join(lines).encode("ascii"))
    answer = HTTPResponse(_ResponseSocket(sock, until), method="GET")  # type: ignore[arg-type]
    try:
        answer.begin()
    except ValueError:  # a Content-Length that is not a number
        raise HTTPException from None
    return answer
