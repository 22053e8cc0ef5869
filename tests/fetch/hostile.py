"""A server on loopback that answers what a test tells it to, octet by octet, and notes what it was asked."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Say = Callable[[socket.socket], None]


@dataclass
class Hostile:
    """`says`: by path, the octets of an answer, or what to do with the socket."""

    says: Mapping[str, bytes | Say]
    asked: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    port: int = 0

    def url(self, path: str = "/") -> str:
        """Where a path of it is."""
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, visitor: socket.socket) -> None:
        """One visitor."""
        with visitor, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (more := visitor.recv(4096)):
                head += more
                if head[0] == 0x16:  # somebody begins TLS
                    visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    return
            if not head:
                return
            path = head.split()[1].decode()
            self.asked.append(path)
            self.heads.append(head.decode())
            said = self.says.get(path.partition("?")[0], b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            said(visitor) if callable(said) else visitor.sendall(said)


def page(body: bytes, kind: str = "text/html", **more: str) -> bytes:
    """A sound answer."""
    heads = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{heads}\r\n".encode() + body


def onward(to: str) -> bytes:
    """A redirect."""
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


@contextmanager
def serving(says: Mapping[str, bytes | Say]) -> Iterator[Hostile]:
    """The server, on a free port, until the block ends."""
    made = Hostile(says)
    with socket.create_server(("127.0.0.1", 0)) as door:
        made.port = door.getsockname()[1]

        def serve() -> None:
            with suppress(OSError):
                while True:
                    visitor, _ = door.accept()
                    threading.Thread(target=made.answer, args=(visitor,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield made
        with suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)
