"""Tells a real difference between two shares from chance: 95% intervals by score methods, which hold for small numbers.

E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), for one share;
R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
(1998), method 10, for the difference of two.
"""

from bisect import bisect_left
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
LEAST = 10
"""Clicks of both together below which no difference counts: for two against none the intervals are too narrow."""
USUAL = 0.05
"""A typical share of readers who follow a link, used for examples."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high` as shares: 0.05 is 5%."""

    low: float
    high: float

    @property
    def holds_zero(self) -> bool:
        """Whether it includes no difference at all."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Proportion:
    """How many of how many people."""

    part: int
    whole: int

    @property
    def rate(self) -> float:
        """The share; 0 of nobody."""
        return self.part / self.whole if self.whole else 0.0

    @property
    def interval(self) -> Interval:
        """The interval of the true share (Wilson); of nobody, 0 to 1."""
        if not self.whole:
            return Interval(0.0, 1.0)
        n, p = self.whole, self.rate
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        return Interval(max(0.0, middle - half) if self.part else 0.0, min(1.0, middle + half) if p < 1 else 1.0)

    def above(self, other: "Proportion") -> Interval:
        """The interval of the difference of the true shares, this one's minus the other's (Newcombe)."""
        mine, its = self.interval, other.interval
        difference = self.rate - other.rate
        down = sqrt((self.rate - mine.low) ** 2 + (its.high - other.rate) ** 2)
        up = sqrt((mine.high - self.rate) ** 2 + (other.rate - its.low) ** 2)
        return Interval(difference - down, difference + up)

    def is_surely_more(self, other: "Proportion") -> bool:
        """Whether it exceeds the other by more than chance."""
        return self.part + other.part >= LEAST and self.above(other).low > 0


def needed(people: int) -> int | None:
    """How many of `people` must follow a link to beat USUAL of as many others by more than chance.

    None: not even all of them would do.
    """
    usual = Proportion(round(USUAL * people), people)
    counts = range(usual.part, people + 1)
    found = bisect_left(counts, True, key=lambda part: Proportion(part, people).is_surely_more(usual))
    return counts[found] if found < len(counts) else None
