"""Decides whether STARTTLS is used with a relay where it is optional (opportunistic security, RFC 7435)."""

from __future__ import annotations

from newsletter.smtp.greeting import Refused
from newsletter.smtp.relay import Relay
from newsletter.smtp.timeouts import NEVER

PLAIN = 300.0
"""Seconds STARTTLS is skipped after it failed, and seconds for which a success excuses a broken connection."""


class Encryption:
    """Whether one relay's STARTTLS works. Times are monotonic seconds."""

    def __init__(self, relay: Relay) -> None:
        self._optional = relay.tls == "opportunistic" and not relay.verified
        self._plain_until = self._worked_at = NEVER

    def is_used(self, now: float) -> bool:
        """Whether STARTTLS is used where offered."""
        return now >= self._plain_until

    def worked(self, now: float) -> None:
        """Record an encrypted session."""
        self._worked_at = now

    def insist(self) -> None:
        """Use STARTTLS again: the relay may require it (530, RFC 3207 §4)."""
        self._plain_until = NEVER

    def gives_up(self, refusal: Refused, now: float) -> bool:
        """Whether to skip STARTTLS from now on: where it is optional, mail in clear beats no mail.

        Not if the connection merely broke and another was encrypted recently: that was chance.
        """
        accident = refusal.broken and now - self._worked_at <= PLAIN
        if accident or not self._optional or not self.is_used(now) or refusal.at_command not in ("TLS", "STARTTLS"):
            return False
        self._plain_until = now + PLAIN
        return True
