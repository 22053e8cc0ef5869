"""Work in progress: one envelope on one connection, and one round over the sockets."""

from __future__ import annotations

from newsletter.smtp import content
from newsletter.smtp.envelope import Envelope, SmtpResult


class Round:
    """What one round over the sockets brings; shared by all connections of a transport."""

    __slots__ = ("_doubted", "done", "requeued", "requeued_keys", "sending")

    def __init__(self) -> None:
        self.done: list[SmtpResult] = []
        self.sending: list[int] = []
        """Keys whose content is queued and not yet reported to the journal."""
        self.requeued: list[Envelope] = []
        """Envelopes the server certainly did not take: they go out on another connection, with no attempt counted."""
        self.requeued_keys: list[int] = []
        """Keys of those already reported to the journal as sending."""
        self._doubted: set[int] = set()

    def requeue(self, transaction: Transaction) -> None:
        """Requeue an envelope that the server certainly did not take."""
        key = transaction.envelope.key
        self.requeued.append(transaction.envelope)
        if key in self.sending:
            self.sending.remove(key)
        elif transaction.commit_at:
            self.requeued_keys.append(key)

    def has_doubt(self, key: int) -> bool:
        """Whether this lost session may be chance: true once for each message."""
        if key in self._doubted:
            return False
        self._doubted.add(key)
        return True

    def forget(self) -> None:
        """Forget which messages have had the benefit of the doubt."""
        self._doubted.clear()


class Transaction:
    """One envelope between MAIL and the reply to its content."""

    __slots__ = ("commit_at", "envelope", "failure", "recipient_line", "taken")

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.recipient_line = b""
        """The RCPT line, while it waits for the reply to MAIL."""
        self.failure: SmtpResult | None = None
        """The first refusal among MAIL, RCPT, DATA and the content."""
        self.taken = False
        """Whether the server accepted the recipient."""
        self.commit_at = 0
        """Stream position from which the server may have the whole message; 0: its content is not queued."""

    def octets(self, *, stuffed: bool) -> bytes:
        """The content in whole lines, dot-stuffed for DATA. Data promised to be safe is not scanned."""
        envelope = self.envelope
        if envelope.stuffed_safe and envelope.data.endswith(b"\r\n"):
            return envelope.data
        data = content.whole_lines(envelope.data)
        return content.dot_stuffed(data) if stuffed else data
