"""Slice: a share of all subscribers that is drawn by lot, and is the same people at every look.

Nobody's lot is stored. A polynomial of degree three over a prime field, with coefficients out of the salt, gives every
subscriber a place (any four places are independent of each other: Wegman and Carter, 1981); a slice is a range of
places. So slices of one salt that do not overlap share nobody, whenever and by whatever process they are asked for.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from sqlalchemy import BigInteger, ColumnElement, Integer, cast, literal

from newsletter.subscribers.subscriber import Subscriber

PLACES = 10_000
_PRIME = 2**31 - 1
"""So small that a product of two remainders still is a BIGINT, on both databases."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Those whose place lies from `begin` on and before `end`."""

    salt: int
    begin: int
    end: int

    def condition(self) -> ColumnElement[bool]:
        """The slice as an SQL condition on Subscriber. It reads the number of the row, and no table."""
        return _place(self.salt).between(self.begin, self.end - 1)

    def holds(self, subscriber_id: int) -> bool:
        """Whether this subscriber is in it: the same sum as the database does."""
        x, sum_ = subscriber_id % _PRIME, 0
        for coefficient in _coefficients(self.salt):
            sum_ = (sum_ * x + coefficient) % _PRIME
        return self.begin <= sum_ % PLACES < self.end

    @property
    def has_the_last_place(self) -> bool:
        """Whether it is the one among its like that ends the line."""
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
