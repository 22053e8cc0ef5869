"""Draws the lot of an A/B test in a small list again until A and B are equally large.

In a large list the halves differ little for their size. Of eleven people, a single draw may well give A two and B
eight, which compares nothing. Everybody's chance of being in A stays the same.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.campaigns.ab_test import ABTest
from newsletter.subscribers import Subscriber

SMALL = 500
"""Audiences up to this size are evened out."""
DRAWS = 300
"""Draws at most; the best of them is used."""
EVEN = (0, 0)


def even_out(session: Session, test: ABTest, now: datetime) -> None:
    """Give a test that has not begun a lot that makes A and B even, if its audience is small."""
    everybody = replace(test.a.audience(now), slice=None)
    look = select(Subscriber.id).where(everybody.condition()).order_by(Subscriber.id).limit(SMALL + 1)
    ids = session.scalars(look).all()
    if not 2 <= len(ids) <= SMALL:
        return
    wanted, found = round(len(ids) * test.share / 100), []
    for lot in range(test.lot, test.lot + DRAWS):  # as random as a new draw: places are hashes of the lot
        test.a.lot = test.b.lot = lot
        found.append((_off(test, ids, wanted), lot))
        if found[-1][0] == EVEN:
            break
    test.lot = test.a.lot = test.b.lot = min(found)[1]


def _off(test: ABTest, ids: Sequence[int], wanted: int) -> tuple[int, int]:
    """By how many A and B differ beyond an odd one, and by how many they miss the test's share."""
    slices = [one.slice for one in test.both if one.slice is not None]
    a, b = (sum(one.holds(id) for id in ids) for one in slices)
    return abs(a - b) - (a + b) % 2, abs(a + b - wanted)
