"""Requests for budget and their replies, the same for the count in Redis and for a worker's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from newsletter.throttle.rules import Rate, Rules

RESERVE = 0.9
"""The share of a relay's rule that bulk mail may use; the rest is for mail that people wait for."""
Use = tuple[str, str, int, int]
"""Kind, name and span (seconds) of a window, and messages counted in it."""


@dataclass(frozen=True)
class Group:
    """Messages limited together: those to one domain, or (named "") to all domains without rules."""

    name: str
    wanted: int
    rates: tuple[Rate, ...]


@dataclass(frozen=True)
class Request:
    """Budget requested. `binding`: whether rules other than the relays' bind it.

    They do not bind transactional mail, which is counted all the same.
    """

    groups: Sequence[Group]
    everything: tuple[Rate, ...]
    relays: Mapping[str, tuple[Rate, ...]]
    bounded: bool
    """Whether every relay has a rule."""
    binding: bool

    @property
    def share(self) -> float:
        """The share of the relays' rules it may use."""
        return RESERVE if self.binding else 1.0

    def data(self) -> dict[str, object]:
        """It as the script reads it."""
        return {
            "groups": [{"name": g.name, "wanted": g.wanted, "rates": _pairs(g.rates)} for g in self.groups],
            "all": _pairs(self.everything),
            "relays": [[name, _pairs(rates)] for name, rates in self.relays.items()],
            "bounded": self.bounded,
            "force": not self.binding,
            "share": self.share,
        }

    def uses(self, domains: Mapping[str, int], relays: Mapping[str, int]) -> list[Use]:
        """The windows in which these messages count."""
        total = sum(domains.values())
        found: list[Use] = [("all", "", rate.seconds, total) for rate in self.everything if total]
        for group in self.groups:
            if count := domains.get(group.name, 0):
                found += [("domain", group.name, rate.seconds, count) for rate in group.rates]
        for name, rates in self.relays.items():
            if count := relays.get(name, 0):
                found += [("relay", name, rate.seconds, count) for rate in rates]
        return found


@dataclass(frozen=True)
class Reply:
    """What was granted, in the order of the request's groups and relays. Times are in seconds."""

    granted: Sequence[int]
    waits: Sequence[float]
    reserved: Sequence[int]
    common: float
    """Wait until anything at all may go; 0: something may now."""
    at: float


def _pairs(rates: Sequence[Rate]) -> list[list[int]]:
    return [[rate.seconds, rate.count] for rate in rates]


def request(rules: Rules, slow: Mapping[str, object], relays: Sequence[str], wanted: Mapping[str, int],
            *, binding: bool) -> tuple[Request, list[str]]:  # fmt: skip
    """The request for these messages, and the domains in its last group, which has no rules."""
    free = [domain for domain in wanted if not rules.of(domain) and domain not in slow]
    bound = wanted.keys() - free
    groups = [Group(name, count, rules.of(name)) for name, count in wanted.items() if name in bound]
    groups.append(Group("", sum(wanted[domain] for domain in free), ()))
    limited = {name: rules.relays[name] for name in relays if name in rules.relays}
    return Request(
        groups=groups,
        everything=rules.everything,
        relays=limited,
        bounded=bool(limited) and len(limited) == len(relays),
        binding=binding,
    ), free
