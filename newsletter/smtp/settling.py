"""Settles the messages in flight on one connection: by reply, by refusal, or by the end of the session."""

from __future__ import annotations

from collections import deque

from newsletter.smtp.envelope import SmtpResult, Stage
from newsletter.smtp.greeting import Greeting, Refused
from newsletter.smtp.pace import WELL, Pace, names_a_limit
from newsletter.smtp.reply import enhanced_status, printable
from newsletter.smtp.session import Phase, Session
from newsletter.smtp.transaction import Round, Transaction
from newsletter.smtp.troubles import trouble_named, trouble_of


class Settling(Session):
    """A session with messages in flight, oldest first.

    Replies come in the order of the commands (RFC 2920 §3.2, RFC 3030 §2, RFC 5321 §3.8). So after a 421, or a loss
    before the end of a message left, the server cannot have taken the messages behind it: they are requeued, with no
    attempt counted. Only a whole message that was never answered is uncertain.
    """

    def __init__(self, name: str, greeting: Greeting, round_: Round, pace: Pace) -> None:
        super().__init__(name, greeting)
        self._round = round_
        self._pace = pace
        self.answered = False
        """Whether the server has handled a message, whatever it replied."""
        self.served = 0
        """Messages the server has handled."""
        self.fruitless = False
        """Whether it ended with a message in flight, or garbled, without having handled any message."""
        self.ended_by: str | None = None
        """The server's words on ending the session; "" if it just closed it; None while it has not."""
        self.retired = False
        """Whether it takes nothing more: others need the connection, or the session is used up."""
        self._inflight: deque[Transaction] = deque()
        self._octets = 0
        self._opening = False
        """Whether the last transaction in flight has yet to queue its content."""
        self._probation = False
        """Whether the connection was idle and has not answered since: it may be dead."""
        self._resets = 0
        """Refusals on this connection; without whole messages in flight only those since the last success."""
        self._refused_last = False
        self._deep = False

    @property
    def busy(self) -> bool:
        """Whether envelopes are in flight."""
        return bool(self._inflight)

    def lose(
        self, reason: str, at_command: str = "", *, over: bool = False, by_relay: bool = False, broken: bool = True
    ) -> None:
        """End the session, and settle each envelope in flight.

        `over`: the server said so itself (421), and has taken nothing it did not answer. `by_relay`: it just closed.
        """
        if self.phase is Phase.CLOSED:
            return
        self.fruitless = (self.busy or self.garbled) and not (self.answered or self._probation)
        if (over or by_relay) and self._inflight and not self._probation:
            self.ended_by = reason if over else ""
        if self._deep and not over and any(0 < one.commit_at <= self.sent for one in self._inflight):
            self._pace.hung_up()
        for place, transaction in enumerate(self._inflight):
            failure = transaction.failure
            if failure and failure.stage is not Stage.RELAY:
                self._round.done.append(failure)
            elif failure or over or self._is_safe(transaction, blamed=place == 0, by_relay=by_relay):
                self._round.requeue(transaction)
            else:
                self._round.done.append(self._lost(transaction, reason[:500]))
        self._inflight.clear()
        super().lose(reason, at_command, over=over, broken=broken)

    def _is_safe(self, transaction: Transaction, *, blamed: bool, by_relay: bool) -> bool:
        """Whether an envelope on a lost connection may go out on another, with no attempt counted.

        The oldest may be `blamed` for the loss: it gets the benefit of the doubt once, if others were handled
        before.
        """
        if 0 < transaction.commit_at <= self.sent:
            return False
        if self._probation and not transaction.commit_at:
            return True
        return not blamed or (by_relay and self.answered and self._round.has_doubt(transaction.envelope.key))

    def _lost(self, transaction: Transaction, reason: str) -> SmtpResult:
        step = next((step for step, whose in self._awaited if whose is transaction), "")
        left = 0 < transaction.commit_at <= self.sent
        stage = Stage.LOST_AFTER if left else Stage.LOST_BEFORE
        return SmtpResult(transaction.envelope.key, stage, 0, "", reason, self.name, step or "DATA")

    def _refuse(self, transaction: Transaction, step: str, code: int, text: bytes) -> SmtpResult | None:
        """Record and return a message's first refusal; None if the connection ended with it."""
        if code < 400:
            self.lose(f"protocol error: {code} to {step}")
            return None
        words = printable(text)
        if code == 421:
            self._over(transaction, step, words)
            return None
        if transaction.failure is None:
            trouble = trouble_of(code, enhanced_status(code, words), words, step)
            stage = Stage.RELAY if trouble else Stage.REJECTED
            transaction.failure = self._result(transaction, stage, step, code, text)
            if trouble and step == "MAIL" and self._is_used_up(words):
                self.ended_by, self.retired = words, True
            elif trouble:
                # The rest in flight still gets its replies; nothing more is taken on.
                self.failure = self.failure or Refused(code, words, step)
                self.phase = Phase.LEAVING
        return transaction.failure

    def _is_used_up(self, words: str) -> bool:
        """Whether this session has carried all it may: the next may continue at once.

        OpenSMTPD says 452 where others say 421. Before any message was handled it concerns more than the session.
        """
        return self.served > 0 and names_a_limit(words) and trouble_named(words) is None

    def _over(self, transaction: Transaction, step: str, words: str) -> None:
        """Handle 421: the session is over, but the relay is well (RFC 5321 §3.8) unless its words say otherwise.

        From RCPT on it may be about this message: only the first time counts as chance.
        """
        if transaction.failure is None:
            if trouble_named(words):
                self.failure = Refused(421, words, step)
            elif step != "MAIL" and not self._round.has_doubt(transaction.envelope.key):
                transaction.failure = self._result(transaction, Stage.REJECTED, step, 421, words.encode())
        self.lose(words, over=True)

    def _result(self, transaction: Transaction, stage: Stage, step: str, code: int, text: bytes) -> SmtpResult:
        words = printable(text)
        return SmtpResult(transaction.envelope.key, stage, code, enhanced_status(code, words), words, self.name, step)

    def _end(self, transaction: Transaction, result: SmtpResult) -> None:
        """Settle the oldest transaction in flight; after a refusal, RSET leaves nothing of it with the server."""
        self._inflight.popleft()
        self._octets -= len(transaction.envelope.data)
        if result.stage is Stage.ACCEPTED:
            self._round.done.append(result)
            self._dealt_with()
            self._refused_last = False
            if not self._deep:
                self._resets = 0
            return
        if result.stage is Stage.RELAY:
            self._round.requeue(transaction)
        else:
            self._round.done.append(result)
            self._dealt_with()
        self._resets += 1
        self._refused_last = True
        if not self._inflight:
            self._opening = False
            self._say("RSET", b"RSET\r\n", None)

    def _dealt_with(self) -> None:
        self.answered = True
        self.served += 1
        if not self.served % WELL:
            self._pace.well()
