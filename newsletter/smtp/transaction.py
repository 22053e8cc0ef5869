"""What is under way: one envelope on one connection, and one round of the sockets."""

from __future__ import annotations

from newsletter.smtp import content
from newsletter.smtp.envelope import Envelope, Outcome


class Round:
    """What one round of the sockets brings; every connection of a transport writes into the same one."""

    __slots__ = ("_doubted", "done", "handed", "returned", "taken_back")

    def __init__(self) -> None:
        self.done: list[Outcome] = []
        self.handed: list[int] = []
        """Keys whose content is queued and not yet written to a socket."""
        self.returned: list[Envelope] = []
        """Envelopes that the server has surely not taken: they go out on another connection, no attempt counted."""
        self.taken_back: list[int] = []
        """Keys of those among them whose content had been queued."""
        self._doubted: set[int] = set()

    def give_back(self, transaction: Transaction) -> None:
        """Take an envelope back that the server has surely not taken."""
        key = transaction.envelope.key
        self.returned.append(transaction.envelope)
        if key in self.handed:
            self.handed.remove(key)
        elif transaction.commit_at:
            self.taken_back.append(key)

    def has_doubt(self, key: int) -> bool:
        """Return whether the end of a session may be a coincidence: the first time that it struck this message."""
        if key in self._doubted:
            return False
        self._doubted.add(key)
        return True

    def forget(self) -> None:
        """Forget which messages had the benefit of the doubt."""
        self._doubted.clear()


class Transaction:
    """One envelope between MAIL and the reply to its content."""

    __slots__ = ("commit_at", "envelope", "failure", "recipient_line", "taken")

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.recipient_line = b""
        """RCPT, where it waits for the reply to MAIL."""
        self.failure: Outcome | None = None
        """The first refusal among MAIL, RCPT, DATA and the content."""
        self.taken = False
        """Whether the server accepted the recipient."""
        self.commit_at = 0
        """Position in the stream of sent octets from which on the server may have the whole message; 0: not queued."""

    def octets(self, *, stuffed: bool) -> bytes:
        """Return the content: whole lines, and dot-stuffed for DATA. What is promised safe is not looked through."""
        envelope = self.envelope
        if envelope.stuffed_safe and envelope.data.endswith(b"\r\n"):
            return envelope.data
        data = content.whole_lines(envelope.data)
        return content.dot_stuffed(data) if stuffed else data
