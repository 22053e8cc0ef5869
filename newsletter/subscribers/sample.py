"""About how many people a condition holds for, from five hundred picked by chance.

Counting a million takes as long as looking at a million. Five hundred numbers drawn between the first and the last take
some hundredths of a second, whatever the condition asks.
"""

from dataclasses import dataclass
from math import sqrt
from random import Random, SystemRandom

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from newsletter.bulk import is_given
from newsletter.subscribers.subscriber import Subscriber

DRAWN = 500
"""Numbers drawn: a half is told to within 4.4 in a hundred, 19 times of 20."""
ENOUGH = 20
"""People found from which a number is told; of fewer only a bound."""
MANY = 100
"""People found from which two digits are told, of fewer one."""
SPREAD = 1.96
"""Standard errors within which 19 of 20 samples lie (normal distribution)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """So many people, or with `is_bound` fewer than so many."""

    people: int
    is_bound: bool = False


def estimate(session: Session, *conditions: ColumnElement[bool], random: Random | None = None) -> Estimate:
    """About how many people these conditions hold for."""
    first, last = session.execute(select(func.min(Subscriber.id), func.max(Subscriber.id))).one()
    if first is None:
        return Estimate(0)
    numbers = range(first, last + 1)
    drawn = (random or SystemRandom()).sample(numbers, min(DRAWN, len(numbers)))
    look = select(func.count()).select_from(Subscriber).where(is_given(session, Subscriber.id, drawn), *conditions)
    found = session.scalar(look) or 0
    # Numbers of people who were deleted count as people for whom it does not hold.
    each = len(numbers) / len(drawn)
    if each == 1:
        return Estimate(found)
    if found < ENOUGH:
        return Estimate(_rounded(each * (found + SPREAD * (1 + sqrt(found + 1))), 1), is_bound=True)
    return Estimate(_rounded(each * found, 2 if found >= MANY else 1))


def _rounded(people: float, digits: int) -> int:
    """With so many digits: more of them would be chance."""
    step: int = 10 ** max(len(str(int(people))) - digits, 0)
    return round(people / step) * step
