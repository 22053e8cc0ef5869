"""One SMTP connection as a state machine over octets; knows no socket and no clock."""

from __future__ import annotations

import re

from newsletter.smtp import address
from newsletter.smtp.envelope import Envelope, SmtpResult, Stage
from newsletter.smtp.greeting import Greeting
from newsletter.smtp.pace import Pace
from newsletter.smtp.session import Phase
from newsletter.smtp.settling import Settling
from newsletter.smtp.transaction import Round, Transaction

OCTETS_IN_FLIGHT = 1 << 20
"""Content queued on one connection before it waits for replies; keeps memory flat when messages are large."""

# The usual replies: four single lines. Groups: the first one's text, and its enhanced status (RFC 2034 §4).
_usual_replies = re.compile(
    rb"250 (?=[!-~])((?:(2\.[0-9]{1,3}\.[0-9]{1,3})(?=[ \r]))?[ -~]{0,490})\r\n"
    rb"250 [^\r\n]{0,500}\r\n250 [^\r\n]{0,500}\r\n354 [^\r\n]{0,500}\r\n"
).fullmatch
MAX_RESETS = 9
"""RSETs after refusals before we send QUIT ourselves. Exim hangs up after ten (smtp_accept_max_nonmail), Postfix
after twenty errors, and each refused message makes two."""
DEPTH_AFTER_REFUSAL = 2
"""Whole messages in flight after a refusal."""


class Connection(Settling):
    """Turns envelopes into octets (`out`), and replies into results (in the round).

    It works in one of three modes. Without PIPELINING: one command at a time. With it: MAIL, RCPT and DATA of the
    next message directly behind the end of the last one (RFC 2920), a message's content only after its own 354.
    With CHUNKING too (RFC 3030): up to `pace.depth` whole messages in flight, with RSET between them, so that none
    leaves state behind for the next.
    """

    def __init__(self, name: str, greeting: Greeting, round_: Round, pace: Pace) -> None:
        super().__init__(name, greeting, round_, pace)
        self._lockstep = False
        self._given = 0

    @property
    def wants(self) -> bool:
        """Whether another envelope can go out now."""
        if self._opening or self.phase is not Phase.READY or self.tired:
            return False
        if self._deep and not self._probation:
            # One refusal may be the first of many, and servers hang up on too many in a row.
            room = min(self._pace.depth, DEPTH_AFTER_REFUSAL if self._refused_last else MAX_RESETS - self._resets)
            return not self._inflight or (len(self._inflight) < room and self._octets < OCTETS_IN_FLIGHT)
        return not (self._lockstep and self._awaited)

    @property
    def tired(self) -> bool:
        """Whether to send QUIT: others need the connection, or the server will soon hang up.

        Servers hang up after too many refusals, each followed by RSET (we stop sooner with whole messages in flight, as
        each may be refused too), or after the number of messages they take in one session.
        """
        return (
            self.retired
            or self._resets >= (MAX_RESETS // 2 if self._deep else MAX_RESETS)
            or 0 < self._pace.length <= self._given
        )

    def give(self, envelope: Envelope) -> None:
        """Queue an envelope; call only while `wants`. One that this server cannot take is refused at once."""
        lines = address.commands(envelope, self.features)
        if isinstance(lines, address.Refusal):
            refusal = SmtpResult(
                envelope.key, Stage.REJECTED, lines.code, lines.enhanced, lines.text, self.name, "local"
            )
            self._round.done.append(refusal)
            return
        self._given += 1
        transaction = Transaction(envelope)
        if self._deep and not self._probation:
            self._give_whole(transaction, lines)
            return
        self._inflight.append(transaction)
        self._octets += len(envelope.data)
        self._opening = True
        if self._lockstep:
            mail, end, transaction.recipient_line = lines.partition(b"\r\n")
            self._say("MAIL", mail + end, transaction)
        else:
            self._awaited += (("MAIL", transaction), ("RCPT", transaction), ("DATA", transaction))
            self.queue(lines + b"DATA\r\n")

    def _give_whole(self, transaction: Transaction, lines: bytes) -> None:
        """Queue a message with its content; the server knows its length, and reads or skips that much."""
        data = transaction.octets(stuffed=False)
        reset = b""
        if self._inflight:
            reset = b"RSET\r\n"
            self._awaited.append(("RSET", None))
        self._inflight.append(transaction)
        self._octets += len(transaction.envelope.data)
        self._awaited.append(("MAIL", transaction))
        self._awaited.append(("RCPT", transaction))
        self.queue(b"%b%bBDAT %d LAST\r\n" % (reset, lines, len(data)))
        self._chunk(transaction, data)

    def _chunk(self, transaction: Transaction, data: bytes) -> None:
        self._awaited.append(("BDAT", transaction))
        self.queue(data)
        transaction.commit_at = self.queued
        self._round.sending.append(transaction.envelope.key)

    def receive(self, data: bytes) -> bool:
        """Handle what the server sent (see `Session.receive`), with a fast path for the usual replies."""
        return self._fast_path(data) or super().receive(data)

    def _fast_path(self, data: bytes) -> bool:
        """Handle "250 250 250 354" (end of content, MAIL, RCPT, DATA) without parsing; return whether it matched."""
        awaited = self._awaited
        if len(awaited) != 4 or self._parser.inside or not (found := _usual_replies(data)):
            return False
        (end, done), _, _, (step, following) = awaited
        if end != "." or step != "DATA" or done is None or following is None:
            return False
        if done.failure or following.failure or self.sent < done.commit_at:
            return False
        awaited.clear()
        words, status = found.groups(b"")
        key = done.envelope.key
        accepted = SmtpResult(key, Stage.ACCEPTED, 250, status.decode(), words.decode().rstrip(), self.name, ".")
        self._end(done, accepted)
        following.taken = True
        self._content(following)
        return True

    def was_idle(self) -> None:
        """Note that the connection was idle, and may have died unnoticed."""
        self._probation = not self._inflight

    def _ready(self) -> None:
        self._lockstep = not self.features.pipelining
        self._deep = self.features.pipelining and self.features.chunking

    def _mail(self, transaction: Transaction, step: str, code: int, text: bytes) -> None:
        if code != 421:
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
            self._content(transaction)
        elif transaction.taken:
            # MAIL was refused but the recipient accepted: a lone dot would send them an empty message.
            self.lose("protocol error: RCPT and DATA accepted after MAIL was refused")
        else:
            # No recipient was accepted, so the empty message goes to nobody (RFC 2920 §3.1).
            self._say("void", b".\r\n", None)
            self._end(transaction, failure)

    def _content(self, transaction: Transaction) -> None:
        self._opening = False
        data = transaction.octets(stuffed=True)
        self.out += (data, b".\r\n")
        transaction.commit_at = self.queued + len(data) + 1
        self.queued += len(data) + 3
        self._awaited.append((".", transaction))
        self._round.sending.append(transaction.envelope.key)

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
            self._end(transaction, self._result(transaction, Stage.ACCEPTED, step, code, text))

    _replies = {
        "MAIL": _mail,
        "RCPT": _rcpt,
        "DATA": _data,
        ".": _final,
        "BDAT": _final,
    }
