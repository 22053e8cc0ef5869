"""The budget of one claim: which of its messages may go now, as granted by the counter all workers share."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from newsletter.mail.ledger import ClaimedMessage, Lane
from newsletter.mail.throttle import domain_of

SHORTEST_WAIT, LONGEST_WAIT = 1.0, 900.0
"""Seconds until held messages are reconsidered: at least, and at most."""


@dataclass(frozen=True)
class Grant:
    """What may go of what was requested. `granted` and `waits` are by domain, `relays` by relay ("host:port")."""

    granted: Mapping[str, int]
    waits: Mapping[str, float]
    """Seconds until more may go, where less was granted than requested."""
    relays: Mapping[str, int]
    """Messages each relay may take of this batch; a relay not named is not limited."""
    at: float = 0.0
    """When it was granted: seconds by the throttle's own clock."""
    version: int = 0
    """The version of the rules it was granted under."""


class Counter(Protocol):
    """Counts for all workers together; a budget asks it once per several hundred messages."""

    def is_active(self) -> bool:
        """Whether any rule is in force."""

    def relays(self) -> Collection[str]:
        """The relays that have rules."""

    def take(self, lane: Lane, wanted: Mapping[str, int]) -> Grant:
        """Take budget for this many messages to each domain. Only relays' rules bind transactional mail."""

    def give_back(self, grant: Grant, domains: Mapping[str, int], relays: Mapping[str, int]) -> None:
        """Give back what was granted and not used."""

    def is_outdated(self, grant: Grant) -> bool:
        """Whether the rules have changed since. It rereads them, so ask rarely."""


@dataclass
class CountedBudget:
    """What one claim has been granted, and what it had to hold back."""

    counter: Counter
    lane: Lane
    quotas: dict[str, int] = field(default_factory=dict)
    """For the transport: how many more messages each limited relay may take."""
    held: dict[int, float] = field(default_factory=dict)
    """Messages that may not go now, with the seconds until they probably may."""
    _grants: list[tuple[Grant, dict[int, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quotas.update(dict.fromkeys(self.counter.relays(), 0))

    def choose(self, messages: Sequence[ClaimedMessage]) -> Sequence[ClaimedMessage]:
        """The messages that may go now, in order; the others are added to `held`."""
        if not self.counter.is_active():
            self.quotas.clear()
            return messages
        domains = _by_domain(messages)
        grant = self.counter.take(self.lane, {domain: len(those) for domain, those in domains.items()})
        chosen = {one.id: domain for domain, those in domains.items() for one in those[: grant.granted[domain]]}
        for domain, those in domains.items():
            for one in those[grant.granted[domain] :]:
                self.held[one.id] = min(max(grant.waits.get(domain, SHORTEST_WAIT), SHORTEST_WAIT), LONGEST_WAIT)
        for relay in self.quotas.keys() - grant.relays.keys():
            del self.quotas[relay]
        for relay, count in grant.relays.items():
            self.quotas[relay] = self.quotas.get(relay, 0) + count
        self._grants.append((grant, chosen))
        return [one for one in messages if one.id in chosen]

    def reconsider(self) -> None:
        """Shorten the waits of messages held back under rules that have changed."""
        if self.held and any(self.counter.is_outdated(grant) for grant, _ in self._grants[-1:]):
            self.held.update(dict.fromkeys(self.held, SHORTEST_WAIT))

    def settle(self, unsent: Collection[int]) -> None:
        """Give back what was taken for unsent messages, and the relays' unused quota."""
        for grant, chosen in reversed(self._grants):
            domains = _counted(chosen[id] for id in chosen if id in unsent)
            relays = {}
            for relay, count in grant.relays.items():
                relays[relay] = back = min(count, max(0, self.quotas.get(relay, 0)))
                self.quotas[relay] = self.quotas.get(relay, 0) - back
            if domains or any(relays.values()):
                self.counter.give_back(grant, domains, relays)
        self._grants.clear()


def _by_domain(messages: Sequence[ClaimedMessage]) -> dict[str, list[ClaimedMessage]]:
    found: dict[str, list[ClaimedMessage]] = {}
    for message in messages:
        found.setdefault(domain_of(message.email), []).append(message)
    return found


def _counted(domains: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for domain in domains:
        found[domain] = found.get(domain, 0) + 1
    return found
