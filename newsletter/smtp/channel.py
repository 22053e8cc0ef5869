"""A non-blocking socket, with or without TLS."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Sequence

Address = tuple[int, tuple[str, int] | tuple[str, int, int, int]]
"""Family and socket address."""

READ_OCTETS = 16384
TLS_OCTETS = 65536
BUFFERS = 512
"""Buffers per system call; Linux takes 1,024."""


def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]  # type: ignore[misc]


class Channel:
    """A stream of octets to and from one address. Methods raise OSError (ssl.SSLError is one) if it fails."""

    def __init__(self, address: Address) -> None:
        family, place = address
        self.socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.shaking = False
        """Whether a TLS handshake is under way."""
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._cipher = memoryview(b"")
        """Encrypted octets the kernel has not taken yet."""
        self._unreported = 0
        """Octets of plain text encrypted into `_cipher` that `write` has not returned yet."""
        try:
            self.socket.connect(place)
        except BlockingIOError:
            pass
        except OSError:
            self.socket.close()
            raise

    def connected(self) -> None:
        """Raise the connect's error if it failed; call when the socket is writable."""
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))

    def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Start a handshake as the client; the certificate is checked for `name`."""
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self.shaking = True
        self.shake()

    def shake(self) -> None:
        """Continue the handshake; `shaking` is false once it is done."""
        tls = self._tls
        if tls is None:
            return
        try:
            tls.do_handshake()
            self.shaking = False
        except ssl.SSLWantReadError:
            pass
        finally:
            self._encrypted()

    @property
    def encrypted(self) -> bool:
        """Whether TLS has been started."""
        return self._tls is not None

    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""
        return self.socket.fileno() < 0

    @property
    def pending(self) -> bool:
        """Whether encrypted octets wait for the kernel."""
        return bool(self._cipher)

    def read(self) -> bytes | None:
        """What came in; b"" at the end of the stream, None if there is nothing yet."""
        try:
            data = self.socket.recv(READ_OCTETS)
        except BlockingIOError:
            return None
        tls = self._tls
        if tls is None or not data:
            return data
        self._incoming.write(data)
        if self.shaking:
            self.shake()
            if self.shaking:
                return None
        pieces = []
        try:
            while piece := tls.read(READ_OCTETS):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            return b"".join(pieces) or None
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(pieces)

    def write(self, buffers: Sequence[bytes | memoryview]) -> int:
        """Write what the kernel accepts; return how many octets of `buffers` are gone, 0 if it accepts none now.

        With TLS, all octets encrypted together count as gone once any of their ciphertext is.
        """
        try:
            if self._tls is None:
                return self.socket.sendmsg(buffers if len(buffers) <= BUFFERS else buffers[:BUFFERS])
            if not self._cipher and buffers:
                self._encrypt(buffers)
            if not self._cipher:
                return 0
            self._cipher = self._cipher[self.socket.send(self._cipher) :]
        except BlockingIOError:
            return 0
        gone, self._unreported = self._unreported, 0
        return gone

    def _encrypt(self, buffers: Sequence[bytes | memoryview]) -> None:
        size, pieces = 0, []
        for buffer in buffers:
            pieces.append(buffer[: TLS_OCTETS - size])
            size += len(pieces[-1])
            if size == TLS_OCTETS:
                break
        if self._tls is not None:
            self._tls.write(b"".join(pieces))
        self._unreported += size
        self._encrypted()

    def _encrypted(self) -> None:
        """Append what TLS wants to send to `_cipher`."""
        fresh = self._outgoing.read()
        if fresh:
            self._cipher = memoryview(bytes(self._cipher) + fresh)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()
