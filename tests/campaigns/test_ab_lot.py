"""In a small list A and B are equally many."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from newsletter import brand, campaigns
from newsletter.campaigns import Campaign
from newsletter.subscribers import Subscriber
from tests.campaigns.conftest import Stage


def _halves(it: Stage) -> tuple[int, int]:
    with it.runtime.database.reading() as session:
        test = campaigns.ab_test_of(session, session.get_one(Campaign, it.a))
        assert test is not None and test.lot == test.a.lot == test.b.lot
        a, b = (set(session.scalars(select(Subscriber.id).where(one.audience(it.clock.now()).condition())))
                for one in test.both)  # fmt: skip
        assert not a & b
        return len(a), len(b)


@pytest.mark.parametrize(
    ("people", "share", "halves"), [(11, 90, {5}), (10, 90, {4, 5}), (2, 90, {1}), (40, 50, {10}), (333, 30, {50})]
)
def test_a_and_b_are_equally_many(stage: Callable[..., Stage], people: int, share: int, halves: set[int]) -> None:
    it = stage(people, share=share)
    it.schedule()
    assert set(_halves(it)) <= halves and sum(_halves(it)) == round(people * share / 100)


def test_a_large_list_is_not_looked_through(stage: Callable[..., Stage]) -> None:
    it = stage(501)
    lot = it.test().lot
    it.schedule()
    assert it.test().lot == lot


def test_a_test_that_has_begun_keeps_its_lot(stage: Callable[..., Stage]) -> None:
    it = stage(20)
    it.go()
    lot = it.test().lot
    with it.runtime.database.transaction() as session, pytest.raises(campaigns.NotNow):
        campaigns.together.schedule(session, session.get_one(Campaign, it.a), it.clock.now(), brand.current(session))
    assert it.test().lot == lot
