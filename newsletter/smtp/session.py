"""An SMTP session from opening to end: matches replies to commands. Knows no socket and no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar

from newsletter.smtp.features import Features
from newsletter.smtp.greeting import TLS, Greeting, Refused, Step
from newsletter.smtp.outgoing import Outgoing
from newsletter.smtp.reply import ReplyParser, printable
from newsletter.smtp.transaction import Transaction


class Phase(Enum):
    """Where a connection stands."""

    GREETING = 1
    READY = 2
    LEAVING = 3
    CLOSED = 4


class Session(Outgoing):
    """What every session has; a subclass handles the replies about messages, by command, in `_replies`."""

    _replies: ClassVar[dict[str, Callable[[Any, Transaction, str, int, bytes], None]]] = {}

    def __init__(self, name: str, greeting: Greeting) -> None:
        super().__init__()
        self.name = name
        self.phase = Phase.GREETING
        self.features = Features()
        self.failure: Refused | None = None
        """Why the relay is unusable, once that is known."""
        self.wants_tls = False
        """Whether a TLS handshake is due; `secured` is called after it."""
        self.parting = False
        """Whether QUIT was sent, or will be."""
        self.garbled = False
        """Whether it ended on a reply that was unexpected or malformed."""
        self._parser = ReplyParser()
        self._awaited: deque[tuple[str, Transaction | None]] = deque()
        """Commands not answered yet, oldest first, each with the message it belongs to."""
        self._greeting = greeting
        self._take(next(greeting))

    @property
    def waits_for(self) -> str:
        """What the next reply answers (as in `SmtpResult.at_command`), "" if none is due."""
        return self._awaited[0][0] if self._awaited else ""

    def receive(self, data: bytes) -> bool:
        """Handle octets from the server; return whether they completed a reply."""
        awaited = self._awaited
        replies = self._parser.feed(data)
        for code, text in replies:
            if not awaited:
                self.garbled = True
                # An unprompted 421 ends the session: idle for too long, or the server shuts down.
                self.lose(f"{'' if code == 421 else 'unexpected reply: '}{code} {printable(text)}", over=code == 421)
                break
            step, transaction = awaited.popleft()
            if transaction is None:
                self._session_reply(step, code, text)
            else:
                self._replies[step](self, transaction, step, code, text)
            if self.phase is Phase.CLOSED or self.wants_tls:
                break
        else:
            if self._parser.broken:
                self.garbled = True
                self.lose(f"protocol error: {self._parser.broken}")
        return bool(replies)

    def secured(self) -> None:
        """Continue after the TLS handshake that `wants_tls` asked for."""
        self.wants_tls = False
        self._parser.clear()
        self._session_reply(TLS, 220, b"")

    def leave(self) -> None:
        """Send QUIT: at once with PIPELINING, else once no reply is due. The reply closes the connection."""
        if self.phase is Phase.READY or (self.phase is Phase.LEAVING and not self.parting):
            self.parting = True
            if self.features.pipelining or not self._awaited:
                self._say("QUIT", b"QUIT\r\n", None)
                self.phase = Phase.LEAVING

    def lose(
        self, reason: str, at_command: str = "", *, over: bool = False, by_relay: bool = False, broken: bool = True
    ) -> None:
        """End the session: nothing more is read or written.

        `at_command` is for an opening that fails before any reply is due: "connect" or "TLS". `over`: the server
        said so itself (421). `by_relay`: it closed the connection without a word. `broken`: see `Refused`.
        """
        if self.phase is Phase.GREETING and self.failure is None:
            self.failure = Refused(0, reason, at_command or self.waits_for, broken=broken)
        self.phase = Phase.CLOSED
        self._awaited.clear()
        self.out.clear()

    def _ready(self) -> None:
        """React to `features`, once they are known."""

    def _say(self, step: str, line: bytes, transaction: Transaction | None) -> None:
        self.queue(line)
        self._awaited.append((step, transaction))

    def _session_reply(self, step: str, code: int, text: bytes) -> None:
        """Handle a reply that belongs to no message: to the opening, RSET, a lone dot or QUIT."""
        if self.phase is Phase.GREETING:
            self._advance(code, text)
        elif step == "QUIT":
            self.lose("said goodbye")
        elif code == 421 or (step == "RSET" and code >= 300):
            self.lose(f"{code} {printable(text)}", over=code == 421, by_relay=True)
        elif self.parting:
            self.leave()

    def _advance(self, code: int, text: bytes) -> None:
        try:
            self._take(self._greeting.send((code, text)))
        except StopIteration as ready:
            self.features = ready.value
            self.phase = Phase.READY
            self._ready()
        except Refused as refusal:
            self.failure = refusal
            self.lose(refusal.text)

    def _take(self, step: Step) -> None:
        if step.waits_for == TLS:
            self.wants_tls = True
        else:
            self._say(step.waits_for, step.data, None)
