"""A slice: the same people at every look, none in two, fair, and the same on both databases as in Python."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from newsletter.runtime import Runtime
from newsletter.subscribers import PLACES, Segment, Slice, Status, Subscriber
from tests.conftest import NOON

SALT = st.integers(0, 2**62 - 1)
LARGEST_ID = 2**63 - 1


def _people(runtime: Runtime, ids: list[int]) -> None:
    known = {"status": Status.CONFIRMED, "newsletter": True, "created_at": NOON, "confirmed_at": NOON, "first_name": ""}
    with runtime.database.transaction() as session:
        session.execute(
            insert(Subscriber),
            [known | {"id": id, "email": f"p{id}@example.com", "email_key": f"p{id}@example.com"} for id in ids],
        )


@pytest.mark.parametrize("salt", [0, 1, 2**31 - 1, 2**62 - 1])
def test_the_database_draws_the_same_lots_as_python(runtime: Runtime, salt: int) -> None:
    ids = [*range(1, 400), 2**31 - 2, 2**31 - 1, 2**31, 2**40 + 7, LARGEST_ID]
    _people(runtime, ids)
    found: list[int] = []
    with runtime.database.reading() as session:
        for begin, end in pairwise((0, 1_000, 2_000, PLACES)):
            slice = Slice(salt, begin, end)
            look = select(Subscriber.id).where(Segment(slice=slice).condition()).order_by(Subscriber.id)
            mine = list(session.scalars(look))
            assert mine == [id for id in ids if slice.holds(id)]
            assert Segment(slice=slice).size(session) == len(mine)
            found += mine
    assert sorted(found) == ids


@given(SALT, st.integers(1, 2**63 - 1), st.integers(0, PLACES))
def test_everybody_is_in_one_of_two(salt: int, id: int, at: int) -> None:
    assert Slice(salt, 0, at).holds(id) is not Slice(salt, at, PLACES).holds(id)


def test_a_slice_is_a_fair_share_of_any_kind_of_people() -> None:
    everybody, evens, young = range(1, 20_001), range(2, 40_001, 2), range(990_001, 1_010_001)
    for salt in range(7, 12):
        for people in (everybody, evens, young):
            tenth = sum(Slice(salt, 0, PLACES // 10).holds(id) for id in people)
            assert 1_800 < tenth < 2_200  # 2,000 ± 4.7 standard deviations


def test_another_salt_draws_other_people() -> None:
    one, other = ({id for id in range(1, 5_001) if Slice(salt, 0, 5_000).holds(id)} for salt in (3, 4))
    assert 1_100 < len(one & other) < 1_400  # a quarter, as chance has it
