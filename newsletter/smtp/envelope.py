"""The types a transport and its callers share: envelopes in, results out, the journal between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from newsletter.smtp.troubles import Trouble


class Stage(StrEnum):
    """How far a message got."""

    ACCEPTED = "accepted"
    """The server answered 2xx to the complete content."""
    REJECTED = "rejected"
    """A 4xx or 5xx reply that belongs to this message, or a refusal of our own (`at_command` "local")."""
    LOST_BEFORE = "lost_before"
    """The connection ended before the end of the content left: nothing can have been accepted."""
    LOST_AFTER = "lost_after"
    """The connection ended after the end of the content left and before its reply: uncertain."""
    RELAY = "relay"
    """The relay itself is unusable; no attempt is counted."""


@dataclass(slots=True)
class Envelope:
    """One message to one recipient. `data` is a complete RFC 5322 message, not dot-stuffed, with CRLF line ends."""

    key: int
    sender: str
    recipient: str
    data: bytes
    stuffed_safe: bool = False
    """True promises that no line begins with "." and that every line ends in CRLF: `data` goes out unscanned."""
    seven_bit: bool | None = None
    """Whether every octet of `data` is below 128; None: not known."""


@dataclass(slots=True)
class SmtpResult:
    """What the server said about one envelope, or what happened instead.

    `code` is the three-digit reply, 0 where there was none. `enhanced` is the RFC 3463 status ("5.1.1") or "".
    `text` is printable and at most 500 characters. `relay` is "host:port", "" where none was reached.
    `at_command` is the command the reply or the loss belongs to: "connect", "banner", "EHLO", "STARTTLS", "TLS",
    "AUTH", "RSET", "MAIL", "RCPT", "DATA", "." (the end of the content), "BDAT", or "local".
    """

    key: int
    stage: Stage
    code: int
    enhanced: str
    text: str
    relay: str
    at_command: str


class Journal(Protocol):
    """A record of what is on the wire, written before the bytes leave; each method is called at most once a round."""

    def requeued(self, keys: Sequence[int]) -> None:
        """Called with messages reported as sending that the server certainly did not take: they go out again."""

    def sending(self, keys: Sequence[int]) -> None:
        """Called before any byte that completes one of these messages goes to a socket."""

    def results(self, results: Sequence[SmtpResult]) -> None:
        """Called with what became known in this round, after `sending` of the same round."""


Quotas = dict[str, int]


@dataclass(frozen=True, slots=True)
class RelayRefusal:
    """A relay that takes no mail at the moment, why, and what it said."""

    relay: str
    trouble: Trouble
    words: str


def never() -> bool:
    """Never stop: the default of `Transport.send`."""
    return False


class Transport(Protocol):
    """Something that delivers envelopes."""

    def send(
        self, envelopes: Iterator[Envelope] | Iterable[Envelope], journal: Journal, *,
        stop: Callable[[], bool] = never, quotas: Quotas | None = None, urgent: bool = False,
    ) -> Iterator[list[SmtpResult]]:  # fmt: skip
        """Deliver the envelopes and yield results as they become known, exactly one for each envelope pulled.

        Envelopes are pulled only when they can go out, so memory stays flat. Once `stop()` is true no more are
        pulled and what is in flight is finished.

        `quotas` says how many more messages each relay may be given, by its name; a relay that is not named has no
        quota. Each message given is subtracted; pulling an envelope may add some. `urgent`: people wait for these.
        """

    def refusals(self) -> Sequence[RelayRefusal]:
        """The relays that take no mail at the moment."""

    def close(self) -> None:
        """Close the connections politely."""
