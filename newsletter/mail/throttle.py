"""The interface delivery asks how many of its messages may go now.

The rules, and the count for all workers, are in `newsletter.throttle`: mail knows neither them nor Redis.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from newsletter.mail.ledger import ClaimedMessage, Lane


class Budget(Protocol):
    """What one claim may send."""

    quotas: dict[str, int]
    """For the transport: how many more messages each limited relay may take."""
    held: dict[int, float]
    """Messages that may not go now, with the seconds until they probably may."""

    def choose(self, messages: Sequence[ClaimedMessage]) -> Sequence[ClaimedMessage]:
        """The messages that may go now, in order; the others are added to `held`."""

    def reconsider(self) -> None:
        """Shorten the waits of messages held back under rules that have changed."""

    def settle(self, unsent: Collection[int]) -> None:
        """Give back what was taken for unsent messages, and the relays' unused quota."""


class Throttle(Protocol):
    """Counts for all workers. Asked once per several hundred messages, never per message."""

    def is_active(self) -> bool:
        """Whether any rule is in force. Cheap: it reads the rules at most once a second."""

    def is_shut(self, lane: Lane) -> bool:
        """Whether nothing of a lane may go now, so that a claim would be in vain."""

    def budget(self, lane: Lane) -> Budget:
        """A budget for one claim of this lane. Only relays' rules bind transactional mail."""

    def slow_down(self, domain: str, pace: float) -> None:
        """Halve a domain's rate for some minutes; `pace`: messages a second sent to it so far."""


@dataclass
class UnlimitedBudget:
    """Everything may go."""

    quotas: dict[str, int] = field(default_factory=dict)
    held: dict[int, float] = field(default_factory=dict)

    def choose(self, messages: Sequence[ClaimedMessage]) -> Sequence[ClaimedMessage]:
        """All of them."""
        return messages

    def reconsider(self) -> None:
        """Do nothing: nothing was held back."""

    def settle(self, unsent: Collection[int]) -> None:
        """Do nothing: nothing was taken."""


class Unlimited:
    """A throttle without rules."""

    def is_active(self) -> bool:
        """Return False."""
        return False

    def is_shut(self, lane: Lane) -> bool:
        """Return False."""
        return False

    def budget(self, lane: Lane) -> Budget:
        """A budget without bounds."""
        return UnlimitedBudget()

    def slow_down(self, domain: str, pace: float) -> None:
        """Do nothing: there is no rate to halve."""


def domain_of(email: str) -> str:
    """The domain of an address as throttle rules name it."""
    return email.rpartition("@")[2].lower()
