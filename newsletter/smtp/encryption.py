"""Whether STARTTLS is used with a relay where it is optional (opportunistic security, RFC 7435)."""

from __future__ import annotations

from newsletter.smtp.greeting import Refused
from newsletter.smtp.relay import Relay
from newsletter.smtp.timeouts import NEVER

PLAIN = 300.0
"""Seconds for which STARTTLS is left alone after it failed, and for which one success speaks for it."""


class Encryption:
    """What is known of one relay's STARTTLS. Times are monotonic seconds."""

    def __init__(self, relay: Relay) -> None:
        self._optional = relay.tls == "opportunistic" and not relay.verified
        self._plain_until = self._worked_at = NEVER

    def is_used(self, now: float) -> bool:
        """Return whether STARTTLS is used where offered."""
        return now >= self._plain_until

    def worked(self, now: float) -> None:
        """Take note of an encrypted session."""
        self._worked_at = now

    def insist(self) -> None:
        """Use it again: the relay may insist on it (530, RFC 3207 §4)."""
        self._plain_until = NEVER

    def gives_up(self, refusal: Refused, now: float) -> bool:
        """Return whether to go on without: a broken STARTTLS is better left alone than no mail sent.

        Not where the connection just broke and others were encrypted lately: that was an accident.
        """
        accident = refusal.broken and now - self._worked_at <= PLAIN
        if accident or not self._optional or not self.is_used(now) or refusal.at_command not in ("TLS", "STARTTLS"):
            return False
        self._plain_until = now + PLAIN
        return True
