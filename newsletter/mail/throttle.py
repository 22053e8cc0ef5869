"""What delivery asks before it sends: how many of its messages may go now.

Rules, and the counting for all workers together, are in `newsletter.throttle`: mail knows neither them nor Redis.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from newsletter.mail.ledger import ClaimedMessage, Lane


class Budget(Protocol):
    """What the messages of one claim may use."""

    quotas: dict[str, int]
    """For the transport: how many more messages each limited relay may take."""
    held: dict[int, float]
    """Messages that may not go now, and the seconds until they probably may."""

    def choose(self, messages: Sequence[ClaimedMessage]) -> Sequence[ClaimedMessage]:
        """Return those that may go now, in their order; the others are in `held` from now on."""

    def reconsider(self) -> None:
        """Shorten the waits of messages held back under rules that no longer hold."""

    def settle(self, unsent: Collection[int]) -> None:
        """Give back what was taken for messages that have not left, and what relays were not given."""


class Throttle(Protocol):
    """Counts for all workers. Asked once for some hundred messages, never for one."""

    def is_active(self) -> bool:
        """Whether any rule holds just now. Costs next to nothing: it looks at most once a second."""

    def is_shut(self, lane: Lane) -> bool:
        """Whether nothing of a lane may go just now, so that claiming work would be in vain."""

    def budget(self, lane: Lane) -> Budget:
        """Return a budget for one claim of this lane. Transactional mail is bound by the relays' rules only."""

    def slow_down(self, domain: str, pace: float) -> None:
        """Halve a domain's rate for some minutes; `pace`: messages a second that went to it last."""


@dataclass
class UnlimitedBudget:
    """Everything may go."""

    quotas: dict[str, int] = field(default_factory=dict)
    held: dict[int, float] = field(default_factory=dict)

    def choose(self, messages: Sequence[ClaimedMessage]) -> Sequence[ClaimedMessage]:
        """Return all of them."""
        return messages

    def reconsider(self) -> None:
        """Nothing was held back."""

    def settle(self, unsent: Collection[int]) -> None:
        """Nothing was taken."""


class Unlimited:
    """No rule holds."""

    def is_active(self) -> bool:
        """Return False."""
        return False

    def is_shut(self, lane: Lane) -> bool:
        """Return False."""
        return False

    def budget(self, lane: Lane) -> Budget:
        """Return a budget without bounds."""
        return UnlimitedBudget()

    def slow_down(self, domain: str, pace: float) -> None:
        """Nothing is counted that could be halved."""


def domain_of(email: str) -> str:
    """The domain of an address, as throttle rules name it."""
    return email.rpartition("@")[2].lower()
