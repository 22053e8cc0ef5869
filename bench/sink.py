"""Sink: the counting SMTP server, built from `sink.c` and queried by signals."""

import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from bench.compiler import built

ANSWER = 10.0  # seconds it may take to answer a signal


class NoSink(Exception):
    """The sink does not answer."""


@dataclass(frozen=True)
class Taken:
    """What the sink received since the last reset. `first`, `last`: Unix times, 0 before the first message."""

    messages: int
    recipients: int
    duplicates: int
    octets: int
    first: float
    last: float

    @property
    def seconds(self) -> float:
        """Seconds from the first message to the last."""
        return self.last - self.first

    @property
    def rate(self) -> float:
        """Messages a second, without the first, at whose end the time starts."""
        return (self.messages - 1) / self.seconds if self.seconds > 0 else 0.0

    @property
    def mean_octets(self) -> int:
        """Mean octets of content per message."""
        return self.octets // self.messages if self.messages else 0

    def is_exactly(self, people: int) -> bool:
        """Whether exactly so many people got one copy each."""
        return (self.messages, self.recipients, self.duplicates) == (people, people, 0)


class Sink:
    """A running sink."""

    def __init__(self, process: subprocess.Popen[str], port: int, lines: "queue.SimpleQueue[str]") -> None:
        self.process = process
        self.port = port
        self._lines = lines
        self.stamps: dict[str, float] = {}
        """Unix time of the last mail to each recipient with the prefix it was started with."""

    def taken(self) -> Taken:
        """The counts so far."""
        return self._ask(signal.SIGUSR1)

    def forget(self) -> Taken:
        """The counts so far; resets them."""
        return self._ask(signal.SIGUSR2)

    def stamped(self, recipient: str, patience: float) -> float | None:
        """When a mail to this recipient arrived; waits for it, None after `patience` seconds."""
        until = time.monotonic() + patience
        while recipient not in self.stamps:
            try:
                self._read(max(until - time.monotonic(), 0.0))
            except queue.Empty:
                return None
        return self.stamps[recipient]

    def _ask(self, how: signal.Signals) -> Taken:
        self.process.send_signal(how)
        until = time.monotonic() + ANSWER
        try:
            while not (words := self._read(until - time.monotonic())):
                pass
        except (queue.Empty, ValueError) as error:
            raise NoSink("the sink does not answer") from error
        said = dict(zip(words[::2], words[1::2], strict=True))
        return Taken(
            int(said["messages"]), int(said["recipients"]), int(said["duplicates"]), int(said["octets"]),
            float(said["first"]), float(said["last"]),
        )  # fmt: skip

    def _read(self, patience: float) -> list[str]:
        """The words of a report; empty for a line that was a stamp."""
        words = self._lines.get(timeout=patience).split()
        if words[0] != "at":
            return words
        self.stamps[words[2]] = float(words[1])
        return []


@contextmanager
def running(*, delay_ms: float = 0, stamp: str = "", chunking: bool = False, session_limit: int = 0) -> Iterator[Sink]:
    """A sink whose replies take `delay_ms`, and which records when mail to recipients starting with `stamp` arrived.

    `chunking`: offer BDAT (RFC 3030). `session_limit`: reply 421 after so many mails in a session (0: never).
    """
    argv = [str(built("sink")), "--delay-ms", str(delay_ms), *(["--stamp", stamp] if stamp else [])]
    argv += ["--chunking"] if chunking else []
    argv += ["--session-limit", str(session_limit)] if session_limit else []
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    try:
        port = int(process.stdout.readline().split()[1])
        threading.Thread(target=_pass_on, args=(process.stdout, lines), daemon=True).start()
        yield Sink(process, port, lines)
    finally:
        process.kill()
        process.wait()


def _pass_on(stream: IO[str], lines: "queue.SimpleQueue[str]") -> None:
    for line in stream:
        lines.put(line)
