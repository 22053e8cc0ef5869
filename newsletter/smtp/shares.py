"""Whose turn it is, where there are several relays."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.smtp.link import STALLED
from newsletter.smtp.relay_state import Health
from newsletter.smtp.timeouts import NEVER

QUANTUM = 32
"""Messages a relay of weight 1 may take before the others have had their share."""
SLOWER = 3
"""A relay is waited for unless it is so many times slower than its weight says,"""
GRACE = 0.25
"""and for so many seconds in any case."""
UNWAITED = 10.0
"""Seconds after which it is waited for again, to see whether it has become faster."""


class Shares:
    """Deficit round robin that keeps everybody busy: weights hold as far as each relay keeps up.

    Nobody waits for a relay that is much slower than its weight says. One that has asked to slow down lately is given
    no more than its weight, however slow the others are.
    """

    def __init__(self, relays: Sequence[Health]) -> None:
        self._relays = relays
        self.several = len(relays) > 1
        least = min(health.relay.weight for health in relays)
        self._quanta = {id(health): max(1, QUANTUM * health.relay.weight // least) for health in relays}

    def take(self, health: Health, now: float) -> bool:
        """Return whether it is this relay's turn, and count one message if so."""
        if health.troubled and not health.feeds(now):
            return False
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
            health.round_began = now
        health.credit -= 1
        health.blocked_since = NEVER
        return True

    def turn(self, health: Health, now: float) -> bool:
        """Return whether the relay may take a message now."""
        if health.spent:
            return False
        if not self.several or health.credit >= 1:
            return True
        strict = now < health.slowed_until
        due = [other for other in self._relays if other is not health and self._due(other, now, strict=strict)]
        if not due or strict:
            return not due
        if health.blocked_since == NEVER:
            health.blocked_since = now
        own = health.blocked_since - health.round_began if health.round_began > NEVER else 0.0
        for other in due:
            if other.links and not any(link.connection.wants for link in other.links):
                longest = max(GRACE, SLOWER * own * other.relay.weight / health.relay.weight)
                if now - health.blocked_since > longest:
                    other.unwaited_until = now + UNWAITED
        return False

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

    def _due(self, health: Health, now: float, *, strict: bool) -> bool:
        """Return whether others must wait for this relay: it is behind, and it is moving fast enough."""
        if health.credit < 1 or not health.may_take(now) or (health.troubled and not health.feeds(now)):
            return False
        if not health.links:
            return health.room(now) > 0
        patience = STALLED if strict or now >= health.unwaited_until else 0.0
        return any(link.connection.wants or now - link.since < patience for link in health.links)
