"""A spamd on loopback, or on a Unix socket, that answers as told and keeps what it was asked."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

REPORT = """Spam detection software, running on the system "mx",
has NOT identified this incoming email as spam.

Content analysis details:   ({points} points, {threshold} required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
{rules}

"""
RULES = (
    " 2.7 DEAR_FRIEND            BODY: Dear Friend? That's not very dear!\n"
    "-1.0 MAILING_LIST_MULTI     Multiple indicators imply a widely-seen list\n"
    "                            manager\n"
    " 0.0 HTML_MESSAGE           BODY: HTML included in message"
)


def answered(points: str = "1.7", threshold: str = "5.0", rules: str = RULES, body: str | None = None) -> bytes:
    """What spamd answers, as version 4.0.1 does."""
    text = (REPORT.format(points=points, threshold=threshold, rules=rules) if body is None else body).encode()
    head = f"SPAMD/1.1 0 EX_OK\r\nContent-length: {len(text)}\r\nSpam: False ; {points} / {threshold}\r\n\r\n"
    return head.encode() + text


@dataclass
class SpamdServer:
    """One at a time; each thing that it is asked gets `answer`, or whatever `serve` does with the connection."""

    listening: socket.socket
    place: str
    answer: bytes = field(default_factory=answered)
    serve: Callable[[socket.socket], None] | None = None
    asked: list[bytes] = field(default_factory=list)

    @property
    def mails(self) -> list[bytes]:
        """The mails that it was asked about."""
        return [one.partition(b"\r\n\r\n")[2] for one in self.asked]

    def run(self) -> None:
        while True:
            try:
                link, _ = self.listening.accept()
            except OSError:
                return
            with link, contextlib.suppress(OSError):
                link.settimeout(10)
                if self.serve:
                    self.serve(link)
                    continue
                whole = b""
                while more := link.recv(65536):
                    whole += more
                self.asked.append(whole)
                link.sendall(self.answer)


@contextlib.contextmanager
def spamd(path: Path | None = None) -> Iterator[SpamdServer]:
    """It listens until the block ends."""
    if path:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(path))
        listening.listen()
        place = str(path)
    else:
        listening = socket.create_server(("127.0.0.1", 0))
        place = f"127.0.0.1:{listening.getsockname()[1]}"
    server = SpamdServer(listening, place)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)
