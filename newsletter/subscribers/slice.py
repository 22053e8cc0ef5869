"""Slice: a pseudo-random share of all subscribers, stable over time.

Nothing is stored. A cubic polynomial over a prime field, with coefficients derived from the salt, hashes every
subscriber id to a place (4-wise independent: Wegman and Carter, 1981); a slice is a range of places. Disjoint slices of
one salt therefore never share anybody.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from sqlalchemy import BigInteger, ColumnElement, Integer, cast, literal

from newsletter.subscribers.subscriber import Subscriber

PLACES = 10_000
_PRIME = 2**31 - 1
"""Small enough that a product of two remainders fits a BIGINT on both databases."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The subscribers whose place is in [`begin`, `end`), of `PLACES`."""

    salt: int
    begin: int
    end: int

    def condition(self) -> ColumnElement[bool]:
        """SQL condition on Subscriber; reads only its id."""
        return _place(self.salt).between(self.begin, self.end - 1)

    def holds(self, subscriber_id: int) -> bool:
        """Whether this subscriber is in it; the same computation as in SQL."""
        x, sum_ = subscriber_id % _PRIME, 0
        for coefficient in _coefficients(self.salt):
            sum_ = (sum_ * x + coefficient) % _PRIME
        return self.begin <= sum_ % PLACES < self.end

    @property
    def has_the_last_place(self) -> bool:
        """Whether it includes the highest place."""
        return self.end == PLACES


def _place(salt: int) -> ColumnElement[int]:
    prime = literal(_PRIME, BigInteger)
    x = cast(Subscriber.id, BigInteger) % prime
    first, *others = _coefficients(salt)
    sum_: ColumnElement[int] = literal(first, BigInteger)
    for coefficient in others:
        sum_ = (sum_ * x + literal(coefficient, BigInteger)) % prime
    return cast(sum_ % literal(PLACES, BigInteger), Integer)


@lru_cache(64)
def _coefficients(salt: int) -> tuple[int, int, int, int]:
    digest = sha256(salt.to_bytes(8, "big")).digest()
    four = [int.from_bytes(digest[8 * n : 8 * n + 8], "big") % _PRIME for n in range(4)]
    return four[0] or 1, four[1], four[2], four[3]
