"""Which relays may be used now, and whose turn it is."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from newsletter.mail.transport.channel import Address, resolve
from newsletter.mail.transport.envelope import Envelope, Outcome, Quotas, Stage
from newsletter.mail.transport.greeting import Refused
from newsletter.mail.transport.link import STALLED, Link
from newsletter.mail.transport.relay import Relay
from newsletter.mail.transport.reply import enhanced_status
from newsletter.mail.transport.session import State

BACKOFF = 1.0
BACKOFF_LOGIN = 30.0
BACKOFF_LIMIT = 60.0
"""Seconds a relay is left alone: after the first failure, after one that a person must mend, and at most."""
STRIKES = 3
"""Connections in a row that may die without having dealt with any message, before the relay counts as failed."""
CROWDED = 60.0
"""Seconds for which a relay that refused one more connection is not asked for more."""
QUANTUM = 32
"""Messages a relay of weight 1 may take before the others have had their share."""
RESOLVED = 300.0
"""Seconds for which a relay's addresses are not asked for again."""
PLAIN = 300.0
"""Seconds for which STARTTLS is left alone after it failed, where it is optional."""


class Health:
    """What is known about one relay. Times are monotonic seconds."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.links: list[Link] = []
        self.refusal: Refused | None = None
        """Why it was last unusable."""
        self.retry_at = float("-inf")
        self.credit = 0
        """Messages it may still take before the others have had their share."""
        self.quotas: Quotas | None = None
        """How many more messages each relay may be given (see `Transport.send`)."""
        self._plain_until = float("-inf")
        self._failures = 0
        self._strikes = 0
        self._limit = relay.connections
        self._limit_until = float("-inf")
        self._addresses: list[Address] = []
        self._resolved_until = float("-inf")

    def addresses(self, now: float) -> list[Address]:
        """Return where the relay is. Raises OSError; but while DNS fails, where it was is good enough."""
        if now >= self._resolved_until:
            try:
                self._addresses = resolve(self.relay.host, self.relay.port)
            except OSError:
                if not self._addresses:
                    raise
            self._resolved_until = now + RESOLVED
        return self._addresses

    def reached(self, address: Address) -> None:
        """Take note which of its addresses answers: that one is asked first."""
        if address in self._addresses:
            self._addresses.sort(key=lambda one: one != address)

    def encrypts(self, now: float) -> bool:
        """Return whether STARTTLS is used where offered."""
        return now >= self._plain_until

    @property
    def spent(self) -> bool:
        """Return whether it may be given nothing more."""
        return self.quotas is not None and self.quotas.get(self.relay.name, 1) < 1

    def count(self, messages: int) -> None:
        """Take messages off its quota."""
        if self.quotas and self.relay.name in self.quotas:
            self.quotas[self.relay.name] -= messages

    def usable(self, now: float) -> bool:
        """Return whether it has a connection, or may be tried."""
        return bool(self.links) or now >= self.retry_at

    def may_take(self, now: float) -> bool:
        """Return whether it may be given a message, now or when it has a connection."""
        return self.usable(now) and not self.spent

    def room(self, now: float) -> int:
        """Return how many more connections may be opened: just one to a relay that has failed, none to a silent one."""
        if now < self.retry_at or self.spent or (self.links and all(link.is_silent(now) for link in self.links)):
            return 0
        if self._failures and any(link.connection.answered for link in self.links):
            self.recovered()
        if self._failures:
            return 0 if self.links else 1
        limit = self._limit if now < self._limit_until else self.relay.connections
        return max(0, limit - len(self.links))

    def ended(self, link: Link, now: float) -> None:
        """Take note that a connection, already removed from `links`, has ended."""
        refusal = link.connection.failure
        if link.connection.answered:
            self.recovered()
        if refusal is None:
            self._strikes += link.connection.fruitless
            if self._strikes >= STRIKES:
                self.failed(Refused(0, "connections end before any message is answered", "MAIL"), now)
        elif self._may_do_without_tls(refusal, now):
            self._plain_until = now + PLAIN
        elif any(other.connection.state is State.READY for other in self.links) and refusal.at_command in (
            "connect",
            "banner",
            "EHLO",
        ):
            self._limit, self._limit_until = len(self.links), now + CROWDED
        else:
            self.failed(refusal, now)

    def recovered(self) -> None:
        """Forget failures: it has dealt with a message."""
        self._failures = self._strikes = 0

    def failed(self, refusal: Refused, now: float) -> None:
        """Leave the relay alone for a while. Connections that end while it is are the same failure."""
        self.refusal = refusal
        if now < self.retry_at:
            return
        if refusal.code == 530:  # it may insist on TLS (RFC 3207 §4)
            self._plain_until = float("-inf")
        self._failures += 1
        self._strikes = 0
        first = BACKOFF_LOGIN if refusal.at_command in ("AUTH", "TLS") or refusal.code in (530, 535) else BACKOFF
        self.retry_at = now + min(BACKOFF_LIMIT, first * 2 ** min(self._failures - 1, 10))

    def answer(self, envelope: Envelope) -> Outcome:
        """Return the outcome of an envelope that no relay can be given, in the words of this one's failure."""
        why = self.refusal or Refused(0, "no relay is usable", "connect")
        status = enhanced_status(why.code, why.text)
        return Outcome(envelope.key, Stage.RELAY, why.code, status, why.text[:500], self.relay.name, why.at_command)

    def _may_do_without_tls(self, refusal: Refused, now: float) -> bool:
        """Opportunistic security (RFC 7435): a broken STARTTLS is better left alone than no mail sent."""
        optional = self.relay.tls == "opportunistic" and not self.relay.verified
        return optional and self.encrypts(now) and refusal.at_command in ("TLS", "STARTTLS")


class Shares:
    """Deficit round robin: relays take messages in the proportion of their weights."""

    def __init__(self, relays: Sequence[Health]) -> None:
        self._relays = relays
        self.several = len(relays) > 1
        least = min(health.relay.weight for health in relays)
        self._quanta = {id(health): max(1, QUANTUM * health.relay.weight // least) for health in relays}

    def take(self, health: Health, now: float) -> bool:
        """Return whether it is this relay's turn, and count one message if so."""
        if not (self.several or health.quotas):
            return True
        if not self.turn(health, now):
            return False
        health.count(1)
        if not self.several:
            return True
        if health.credit < 1:
            for each in self._relays:
                quantum = self._quanta[id(each)]
                each.credit = min(each.credit + quantum, quantum)
        health.credit -= 1
        return True

    def turn(self, health: Health, now: float) -> bool:
        """Return whether the relay may take a message now."""
        if health.spent:
            return False
        if not self.several or health.credit >= 1:
            return True
        return not any(self._due(other, now) for other in self._relays if other is not health)

    def open(self, now: float) -> bool:
        """Return whether any relay may take a message."""
        return any(health.may_take(now) for health in self._relays)

    def give_back(self, health: Health) -> None:
        """Undo `take`: there was no message."""
        health.count(-1)
        health.credit += 1

    def order(self) -> list[Health]:
        """Return the relays, the one that is most behind its share first."""
        if not self.several:
            return list(self._relays)
        return sorted(self._relays, key=lambda health: -health.credit / self._quanta[id(health)])

    def _due(self, health: Health, now: float) -> bool:
        """Return whether others must wait for this relay: it is behind, and it is moving."""
        if health.credit < 1 or not health.may_take(now):
            return False
        if not health.links:
            return True
        return any(link.connection.wants or now - link.since < STALLED for link in health.links)


def unverified_context() -> ssl.SSLContext:
    """Return a context for opportunistic TLS: encryption without knowing to whom."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
