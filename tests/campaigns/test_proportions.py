"""The intervals, against numbers that were published and against sums of another kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.campaigns import Proportion, needed


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (
            81,
            263,
            0.2553,
            0.3662,
        ),  # Newcombe (1998), on the single proportion, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0000),
    ],
)
def test_the_interval_of_one_share_is_wilsons(part: int, whole: int, low: float, high: float) -> None:
    found = Proportion(part, whole).interval
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),  # Newcombe, "Interval estimation for the difference …" (1998), method 10
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    found = Proportion(*first).above(Proportion(*second))
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@st.composite
def shares(draw: st.DrawFn) -> Proportion:
    whole = draw(st.integers(0, 10**6))
    return Proportion(draw(st.integers(0, whole)), whole)


@given(shares(), shares())
def test_they_hold_what_was_seen_and_turn_round(one: Proportion, other: Proportion) -> None:
    assert 0 <= one.interval.low <= one.rate <= one.interval.high <= 1
    there, back = one.above(other), other.above(one)
    assert -1 <= there.low <= one.rate - other.rate <= there.high <= 1
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_of_nobody_nothing_is_known() -> None:
    nobody, some = Proportion(0, 0), Proportion(5, 10)
    assert (nobody.interval.low, nobody.interval.high, nobody.rate) == (0, 1, 0)
    assert nobody.above(some).holds_zero and nobody.above(nobody).holds_zero


@pytest.mark.parametrize("people", [50, 100, 1_000, 50_000])
def test_what_is_needed_is_the_least_that_is_more_than_chance(people: int) -> None:
    least = needed(people)
    assert least is not None
    usual = Proportion(round(people * 0.05), people)
    assert Proportion(least, people).is_surely_more(usual)
    assert not Proportion(least - 1, people).is_surely_more(usual)


def test_a_handful_decides_nothing() -> None:
    assert not Proportion(5, 50).is_surely_more(Proportion(0, 50))  # though the interval is above 0
    assert Proportion(10, 50).is_surely_more(Proportion(0, 50))
    assert needed(9) is None and needed(10) == 10
