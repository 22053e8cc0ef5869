"""Throttling: what of a batch may go now. How it is counted, for all workers together, is known at the doors only."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from newsletter.mail.ledger import ClaimedMessage, Lane

EAGER, PATIENT = 1.0, 900.0
"""Seconds after which what was held back is looked at again: no sooner, no later."""


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
    """Of the limits under which it was granted."""


class Throttle(Protocol):
    """Counts for all workers. Asked once for some hundred messages, never for one."""

    def limits(self) -> bool:
        """Whether anything is limited just now. Costs next to nothing: at most one look a second is taken."""

    def is_shut(self, lane: Lane) -> bool:
        """Whether nothing at all of a lane may go just now, so that taking work would be in vain."""

    def relays(self) -> Collection[str]:
        """The relays that are limited."""

    def take(self, lane: Lane, wanted: Mapping[str, int]) -> Grant:
        """Take budget for so many messages to each domain. Transactional mail is bound by the relays' limits only."""

    def give_back(self, grant: Grant, domains: Mapping[str, int], relays: Mapping[str, int]) -> None:
        """Return what was granted and not used."""

    def is_outdated(self, grant: Grant) -> bool:
        """Whether other limits hold by now. Looks afresh: to be asked rarely."""

    def slow_down(self, domain: str, pace: float) -> None:
        """Halve a domain's rate for some minutes; `pace`: messages a second that went to it last."""


class Unlimited:
    """Nothing is limited."""

    def limits(self) -> bool:
        """See `Throttle`."""
        return False

    def is_shut(self, lane: Lane) -> bool:
        """See `Throttle`."""
        return False

    def relays(self) -> Collection[str]:
        """See `Throttle`."""
        return ()

    def take(self, lane: Lane, wanted: Mapping[str, int]) -> Grant:
        """See `Throttle`."""
        return Grant(wanted, {}, {})

    def give_back(self, grant: Grant, domains: Mapping[str, int], relays: Mapping[str, int]) -> None:
        """See `Throttle`."""

    def is_outdated(self, grant: Grant) -> bool:
        """See `Throttle`."""
        return False

    def slow_down(self, domain: str, pace: float) -> None:
        """See `Throttle`."""


@dataclass
class Budget:
    """What one batch has been granted, and what it had to hold back."""

    throttle: Throttle
    lane: Lane
    quotas: dict[str, int] = field(default_factory=dict)
    """For the transport: how many more each limited relay may take."""
    held: dict[int, float] = field(default_factory=dict)
    """Messages that may not go now, and the seconds until they probably may."""
    _grants: list[tuple[Grant, dict[int, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quotas.update(dict.fromkeys(self.throttle.relays(), 0))

    def choose(self, messages: Sequence[ClaimedMessage]) -> Sequence[ClaimedMessage]:
        """Those that may go now, in their order; the others are in `held` from now on."""
        if not self.throttle.limits():
            self.quotas.clear()
            return messages
        domains = _by_domain(messages)
        grant = self.throttle.take(self.lane, {domain: len(those) for domain, those in domains.items()})
        chosen = {one.id: domain for domain, those in domains.items() for one in those[: grant.granted[domain]]}
        for domain, those in domains.items():
            for one in those[grant.granted[domain] :]:
                self.held[one.id] = min(max(grant.waits.get(domain, EAGER), EAGER), PATIENT)
        for relay in self.quotas.keys() - grant.relays.keys():
            del self.quotas[relay]
        for relay, count in grant.relays.items():
            self.quotas[relay] = self.quotas.get(relay, 0) + count
        self._grants.append((grant, chosen))
        return [one for one in messages if one.id in chosen]

    def reconsider(self) -> None:
        """What was held back under limits that do not hold any more need not wait as long as they said."""
        if self.held and any(self.throttle.is_outdated(grant) for grant, _ in self._grants[-1:]):
            self.held.update(dict.fromkeys(self.held, EAGER))

    def settle(self, unsent: Collection[int]) -> None:
        """Give back what was taken for messages that have not left, and what relays were not given."""
        for grant, chosen in reversed(self._grants):
            domains = _counted(chosen[id] for id in chosen if id in unsent)
            relays = {}
            for relay, count in grant.relays.items():
                relays[relay] = back = min(count, max(0, self.quotas.get(relay, 0)))
                self.quotas[relay] = self.quotas.get(relay, 0) - back
            if domains or any(relays.values()):
                self.throttle.give_back(grant, domains, relays)
        self._grants.clear()


def domain_of(email: str) -> str:
    """The domain of an address, as limits name it."""
    return email.rpartition("@")[2].lower()


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
