"""One SMTP connection as a state machine over octets; knows no socket and no clock."""

from __future__ import annotations

from collections import deque
from enum import Enum

from newsletter.mail.transport import address
from newsletter.mail.transport.envelope import Envelope, Outcome, Stage
from newsletter.mail.transport.features import Features
from newsletter.mail.transport.outgoing import Outgoing
from newsletter.mail.transport.reply import ReplyParser, enhanced_status, printable
from newsletter.mail.transport.session import TLS, Greeting, Refused, Step
from newsletter.mail.transport.transaction import Round, Transaction

OCTETS_IN_FLIGHT = 1 << 20
"""Content queued on one connection before it waits for replies; keeps memory flat when messages are large."""


class State(Enum):
    """Where a connection stands."""

    GREETING = 1
    READY = 2
    LEAVING = 3
    CLOSED = 4


class Connection(Outgoing):
    """Turns envelopes into octets (`out`) and replies into outcomes (in the round it is given).

    It works in one of three ways. Where PIPELINING is not offered: one command at a time. With it: MAIL, RCPT and
    DATA of the next message right behind the end of the last one (RFC 2920), a message's content only after its own
    354. With CHUNKING too (RFC 3030): up to `depth` whole messages in flight, with RSET between them, so that what
    becomes of one leaves nothing behind for the next.
    """

    def __init__(self, name: str, greeting: Greeting, round_: Round, depth: int = 16) -> None:
        super().__init__()
        self.name = name
        self.state = State.GREETING
        self.features = Features()
        self.failure: Refused | None = None
        """Why the relay is unusable, once that is known."""
        self.answered = False
        """Whether the server has dealt with a message, whatever it said."""
        self.fruitless = False
        """Whether it ended under a message without ever having dealt with one."""
        self.wants_tls = False
        self._round = round_
        self._depth = depth
        self._parser = ReplyParser()
        self._awaited: deque[tuple[str, Transaction | None]] = deque()
        self._inflight: deque[Transaction] = deque()
        self._octets = 0
        self._opening = False
        """Whether the last transaction in flight is still to be given its content."""
        self._lockstep = False
        self._deep = False
        self._probation = False
        """Whether the connection was idle and has not answered since: it may have died meanwhile."""
        self._greeting = greeting
        self._take(next(greeting))

    @property
    def wants(self) -> bool:
        """Return whether another envelope can go out now."""
        if self._opening or self.state is not State.READY:
            return False
        if self._deep and not self._probation:
            return not self._inflight or (len(self._inflight) < self._depth and self._octets < OCTETS_IN_FLIGHT)
        return not (self._lockstep and self._awaited)

    @property
    def busy(self) -> bool:
        """Return whether envelopes are in flight."""
        return bool(self._inflight)

    @property
    def waits_for(self) -> str:
        """Return what the next reply answers (as in `Outcome.at_command`), "" if none is due."""
        return self._awaited[0][0] if self._awaited else ""

    def give(self, envelope: Envelope) -> None:
        """Queue an envelope; call only while `wants`. One that this server cannot take is answered at once."""
        lines = address.commands(envelope, self.features)
        if isinstance(lines, address.Refusal):
            refusal = Outcome(envelope.key, Stage.REJECTED, lines.code, lines.enhanced, lines.text, self.name, "local")
            self._round.done.append(refusal)
            return
        mail, recipient = lines
        transaction = Transaction(envelope, recipient)
        if self._deep and not self._probation:
            self._give_whole(transaction, mail)
            return
        self._inflight.append(transaction)
        self._octets += len(envelope.data)
        self._opening = True
        self._awaited.append(("MAIL", transaction))
        if self._lockstep:
            self.queue(mail)
        else:
            self._awaited.append(("RCPT", transaction))
            self._awaited.append(("DATA", transaction))
            self.queue(b"%b%bDATA\r\n" % (mail, recipient))

    def _give_whole(self, transaction: Transaction, mail: bytes) -> None:
        """Queue a message with its content in one go; the server has its length, and reads or skips that much."""
        data = transaction.octets(stuffed=False)
        reset = b""
        if self._inflight:
            reset = b"RSET\r\n"
            self._awaited.append(("RSET", None))
        self._inflight.append(transaction)
        self._octets += len(transaction.envelope.data)
        self._awaited.append(("MAIL", transaction))
        self._awaited.append(("RCPT", transaction))
        self.queue(b"%b%b%bBDAT %d LAST\r\n" % (reset, mail, transaction.recipient_line, len(data)))
        self._chunk(transaction, data)

    def _chunk(self, transaction: Transaction, data: bytes) -> None:
        self._awaited.append(("BDAT", transaction))
        self.queue(data)
        transaction.commit_at = self.queued
        self._round.handed.append(transaction.envelope.key)

    def receive(self, data: bytes) -> bool:
        """Take octets that the server sent; returns whether they completed a reply."""
        awaited = self._awaited
        replies = self._parser.feed(data)
        for code, text in replies:
            if not awaited:
                self.lose(f"unexpected reply: {code} {printable(text)}")
                break
            step, transaction = awaited.popleft()
            if transaction is None:
                self._session_reply(step, code, text)
            else:
                _REPLIES[step](self, transaction, step, code, text)
            if self.state is State.CLOSED or self.wants_tls:
                break
        else:
            if self._parser.broken:
                self.lose(f"protocol error: {self._parser.broken}")
        return bool(replies)

    def secured(self) -> None:
        """Go on after the TLS handshake that `wants_tls` asked for."""
        self.wants_tls = False
        self._parser.clear()
        self._session_reply(TLS, 220, b"")

    def rested(self) -> None:
        """Take note that the connection was idle, and may have died without our knowing."""
        self._probation = not self._inflight

    def leave(self) -> None:
        """Say QUIT; the reply, or its absence, closes the connection."""
        if self.state is State.READY and not self._inflight:
            self._say("QUIT", b"QUIT\r\n", None)
            self.state = State.LEAVING

    def lose(self, reason: str, at_command: str = "") -> None:
        """End the connection: nothing more is read or written. Tells what became of each envelope in flight.

        `at_command` is for an opening that fails before any reply is due: "connect" or "TLS".
        """
        if self.state is State.CLOSED:
            return
        if self.state is State.GREETING and self.failure is None:
            self.failure = Refused(0, reason, at_command or self.waits_for)
        self.state = State.CLOSED
        self.fruitless = self.busy and not (self.answered or self._probation)
        for transaction in self._inflight:
            if transaction.failure:
                self._round.done.append(transaction.failure)
            elif self._probation and not transaction.commit_at:
                self._round.returned.append(transaction.envelope)
            else:
                self._round.done.append(self._lost(transaction, reason[:500]))
        self._inflight.clear()
        self._awaited.clear()
        self.out.clear()

    def _lost(self, transaction: Transaction, reason: str) -> Outcome:
        step = next((step for step, whose in self._awaited if whose is transaction), "")
        left = 0 < transaction.commit_at <= self.sent
        stage = Stage.LOST_AFTER if left else Stage.LOST_BEFORE
        return Outcome(transaction.envelope.key, stage, 0, "", reason, self.name, step or "DATA")

    def _say(self, step: str, line: bytes, transaction: Transaction | None) -> None:
        self.queue(line)
        self._awaited.append((step, transaction))

    def _session_reply(self, step: str, code: int, text: bytes) -> None:
        """Take a reply that belongs to no message: of the opening, RSET, a lone dot or QUIT."""
        if self.state is State.GREETING:
            self._advance(code, text)
        elif step == "QUIT":
            self.lose("said goodbye")
        elif code == 421 or (step == "RSET" and code >= 300):
            self.lose(f"{code} {printable(text)}")

    def _advance(self, code: int, text: bytes) -> None:
        try:
            self._take(self._greeting.send((code, text)))
        except StopIteration as ready:
            self.features = ready.value
            self._lockstep = not self.features.pipelining
            self._deep = self.features.pipelining and self.features.chunking
            self.state = State.READY
        except Refused as refusal:
            self.failure = refusal
            self.lose(refusal.text)

    def _take(self, step: Step) -> None:
        if step.waits_for == TLS:
            self.wants_tls = True
        else:
            self._say(step.waits_for, step.data, None)

    def _mail(self, transaction: Transaction, step: str, code: int, text: bytes) -> None:
        if code == 421 and self._probation:
            self.lose(f"421 {printable(text)}")
            return
        self._probation = False
        if code < 300:
            if self._lockstep:
                self._say("RCPT", transaction.recipient_line, transaction)
        elif (failure := self._refuse(transaction, step, code, text)) and self._lockstep:
            self._end(transaction, failure)

    def _rcpt(self, transaction: Transaction, step: str, code: int, text: bytes) -> None:
        if code < 300:
            transaction.taken = True
            if not self._lockstep:
                return
            if not self.features.chunking:
                self._say("DATA", b"DATA\r\n", transaction)
                return
            self._opening = False
            data = transaction.octets(stuffed=False)
            self.queue(b"BDAT %d LAST\r\n" % len(data))
            self._chunk(transaction, data)
        elif (failure := self._refuse(transaction, step, code, text)) and self._lockstep:
            self._end(transaction, failure)

    def _data(self, transaction: Transaction, step: str, code: int, text: bytes) -> None:
        if code >= 400:
            if failure := self._refuse(transaction, step, code, text):
                self._end(transaction, failure)
        elif code < 300:
            self.lose(f"protocol error: {code} to DATA")
        elif (failure := transaction.failure) is None:
            self._opening = False
            self.queue(transaction.octets(stuffed=True))
            transaction.commit_at = self.queued + 1
            self._say(".", b".\r\n", transaction)
            self._round.handed.append(transaction.envelope.key)
        elif transaction.taken:
            # MAIL was refused and the recipient taken all the same: a lone dot would send them an empty message.
            self.lose("protocol error: RCPT and DATA accepted after MAIL was refused")
        else:
            # Nobody was accepted, so the empty message goes to nobody (RFC 2920 §3.1).
            self._say("void", b".\r\n", None)
            self._end(transaction, failure)

    def _final(self, transaction: Transaction, step: str, code: int, text: bytes) -> None:
        whole = self.sent >= transaction.commit_at
        if code >= 400:
            if failure := self._refuse(transaction, step, code, text):
                if whole:
                    self._end(transaction, failure)
                else:
                    self.lose("refused in the middle of the content")
        elif code >= 300 or not whole:
            self.lose(f"protocol error: {code} to the content")
        elif (failure := transaction.failure) and not transaction.taken:
            self._end(transaction, failure)
        else:
            self._end(transaction, self._outcome(transaction, Stage.ACCEPTED, step, code, text))

    def _refuse(self, transaction: Transaction, step: str, code: int, text: bytes) -> Outcome | None:
        """Note a refusal, the first one counts; None where the connection ended with it."""
        if code < 400:
            self.lose(f"protocol error: {code} to {step}")
            return None
        unusable = (code in (530, 535) and step in ("MAIL", "RCPT")) or (code == 454 and step == "MAIL")
        if transaction.failure is None:
            stage = Stage.RELAY if unusable else Stage.REJECTED
            transaction.failure = self._outcome(transaction, stage, step, code, text)
        if unusable:
            # Whatever else is in flight still gets its own replies; no more is taken on.
            self.failure = Refused(code, printable(text), step)
            self.state = State.LEAVING
        if code == 421:
            self.lose(f"421 {printable(text)}")
            return None
        return transaction.failure

    def _outcome(self, transaction: Transaction, stage: Stage, step: str, code: int, text: bytes) -> Outcome:
        words = printable(text)
        return Outcome(transaction.envelope.key, stage, code, enhanced_status(code, words), words, self.name, step)

    def _end(self, transaction: Transaction, outcome: Outcome) -> None:
        """Answer the oldest transaction in flight; after a refusal nothing of it may stay with the server."""
        self._inflight.popleft()
        self._octets -= len(transaction.envelope.data)
        self.answered = True
        self._round.done.append(outcome)
        if not self._inflight:
            self._opening = False
            if outcome.stage is not Stage.ACCEPTED:
                self._say("RSET", b"RSET\r\n", None)


_REPLIES = {
    "MAIL": Connection._mail,
    "RCPT": Connection._rcpt,
    "DATA": Connection._data,
    ".": Connection._final,
    "BDAT": Connection._final,
}
