"""The budget of one claim: what of it may go now, as one counter for all workers grants it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from newsletter.mail.ledger import ClaimedMessage, Lane
from newsletter.mail.throttle import domain_of

SHORTEST_WAIT, LONGEST_WAIT = 1.0, 900.0
"""Seconds after which held messages are looked at again: at least, and at most."""


@dataclass(frozen=True)
class Grant:
    """What may go of what was asked for. `granted` and `waits` are by domain, `relays` by relay ("host:port")."""

    granted: Mapping[str, int]
    waits: Mapping[str, float]
    """Seconds until more may be expected, where less was granted than asked for."""
    relays: Mapping[str, int]
    """Set aside for this batch; a relay that is not named is not limited."""
    at: float = 0.0
    """When, by the throttle's own clock (seconds)."""
    version: int = 0
    """Of the rules under which it was granted."""


class Counter(Protocol):
    """Counts for all workers together; a budget asks it once for some hundred messages."""

    def is_active(self) -> bool:
        """Whether any rule holds just now."""

    def relays(self) -> Collection[str]:
        """The relays that have rules."""

    def take(self, lane: Lane, wanted: Mapping[str, int]) -> Grant:
        """Take budget for so many messages to each domain. Transactional mail is bound by the relays' rules only."""

    def give_back(self, grant: Grant, domains: Mapping[str, int], relays: Mapping[str, int]) -> None:
        """Return what was granted and not used."""

    def is_outdated(self, grant: Grant) -> bool:
        """Whether other rules hold by now. It reads them again, so ask rarely."""


@dataclass
class CountedBudget:
    """What one batch has been granted, and what it had to hold back."""

    counter: Counter
    lane: Lane
    quotas: dict[str, int] = field(default_factory=dict)
    """For the transport: how many more each limited relay may take."""
    held: dict[int, float] = field(default_factory=dict)
    """Messages that may not go now, and the seconds until they probably may."""
    _grants: list[tuple[Grant, dict[int, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quotas.update(dict.fromkeys(self.counter.relays(), 0))

    def choose(self, messages: Sequence[ClaimedMessage]) -> Sequence[ClaimedMessage]:
        """Those that may go now, in their order; the others are in `held` from now on."""
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
        """Shorten the waits of messages held back under rules that no longer hold."""
        if self.held and any(self.counter.is_outdated(grant) for grant, _ in self._grants[-1:]):
            self.held.update(dict.fromkeys(self.held, SHORTEST_WAIT))

    def settle(self, unsent: Collection[int]) -> None:
        """Give back what was taken for messages that have not left, and what relays were not given."""
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
