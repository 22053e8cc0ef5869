"""Decides which of several relays gets the next message."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.smtp.link import STALLED
from newsletter.smtp.relay_state import RelayState
from newsletter.smtp.timeouts import NEVER

QUANTUM = 32
"""Messages a relay of weight 1 may take before the others have had their share."""
SLOWER = 3
"""A relay is waited for unless it is this many times slower than its weight says,"""
GRACE = 0.25
"""and for at least this many seconds."""
UNWAITED = 10.0
"""Seconds before it is waited for again, in case it has become faster."""


class Shares:
    """Deficit round robin that keeps every relay busy: weights hold as far as each keeps up.

    No relay waits for one that is much slower than its weight says. One that lately asked to slow down gets no more
    than its weight, however slow the others are.
    """

    def __init__(self, relays: Sequence[RelayState]) -> None:
        self._relays = relays
        self.several = len(relays) > 1
        least = min(state.relay.weight for state in relays)
        self._quanta = {id(state): max(1, QUANTUM * state.relay.weight // least) for state in relays}

    def take(self, state: RelayState, now: float) -> bool:
        """Whether this relay may take a message now, and count one if so."""
        if state.troubled and not state.feeds(now):
            return False
        if not (self.several or state.quotas):
            return True
        if not self.turn(state, now):
            return False
        state.count(1)
        if not self.several:
            return True
        if state.credit < 1:
            for each in self._relays:
                quantum = self._quanta[id(each)]
                each.credit = min(each.credit + quantum, quantum)
            state.round_began = now
        state.credit -= 1
        state.blocked_since = NEVER
        return True

    def turn(self, state: RelayState, now: float) -> bool:
        """Whether the relay may take a message now."""
        if state.is_out_of_quota:
            return False
        if not self.several or state.credit >= 1:
            return True
        strict = now < state.slowed_until
        due = [other for other in self._relays if other is not state and self._due(other, now, strict=strict)]
        if not due or strict:
            return not due
        if state.blocked_since == NEVER:
            state.blocked_since = now
        own = state.blocked_since - state.round_began if state.round_began > NEVER else 0.0
        for other in due:
            if other.links and not any(link.connection.wants for link in other.links):
                longest = max(GRACE, SLOWER * own * other.relay.weight / state.relay.weight)
                if now - state.blocked_since > longest:
                    other.unwaited_until = now + UNWAITED
        return False

    def open(self, now: float) -> bool:
        """Whether any relay may take a message."""
        return any(state.may_take(now) for state in self._relays)

    def give_back(self, state: RelayState) -> None:
        """Undo `take`: there was no envelope left."""
        state.count(-1)
        state.credit += 1

    def order(self) -> list[RelayState]:
        """The relays, the one furthest behind its share first."""
        if not self.several:
            return list(self._relays)
        return sorted(self._relays, key=lambda state: -state.credit / self._quanta[id(state)])

    def _due(self, state: RelayState, now: float, *, strict: bool) -> bool:
        """Whether others must wait for this relay: it is behind its share, and moves fast enough."""
        if state.credit < 1 or not state.may_take(now) or (state.troubled and not state.feeds(now)):
            return False
        if not state.links:
            return state.room(now) > 0
        tolerance = STALLED if strict or now >= state.unwaited_until else 0.0
        return any(link.connection.wants or now - link.since < tolerance for link in state.links)
