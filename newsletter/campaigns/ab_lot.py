"""The lot of an A/B test in a small list: drawn again until A and B are equally many.

In a large list the halves differ by little beside what they are. Of eleven people a single draw may well give A two and
B eight, which compares nothing. Everybody's chance to be in A is the same as before.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.campaigns.ab_test import ABTest
from newsletter.subscribers import Subscriber

SMALL = 500
"""People in an audience up to which it is worth it."""
DRAWS = 300
"""At most: the best of them holds."""
EVEN = (0, 0)


def even_out(session: Session, test: ABTest, now: datetime) -> None:
    """Give a test that has not begun a lot by which A and B are even, if the audience is small."""
    everybody = replace(test.a.audience(now), slice=None)
    look = select(Subscriber.id).where(everybody.condition()).order_by(Subscriber.id).limit(SMALL + 1)
    ids = session.scalars(look).all()
    if not 2 <= len(ids) <= SMALL:
        return
    wanted, found = round(len(ids) * test.share / 100), []
    for lot in range(test.lot, test.lot + DRAWS):  # each is as good as drawn anew: places are made of its hash
        test.a.lot = test.b.lot = lot
        found.append((_off(test, ids, wanted), lot))
        if found[-1][0] == EVEN:
            break
    test.lot = test.a.lot = test.b.lot = min(found)[1]


def _off(test: ABTest, ids: Sequence[int], wanted: int) -> tuple[int, int]:
    """By how many A and B differ beyond the odd one, and by how many they miss the test's share."""
    slices = [one.slice for one in test.both if one.slice is not None]
    a, b = (sum(one.holds(id) for id in ids) for one in slices)
    return abs(a - b) - (a + b) % 2, abs(a + b - wanted)
