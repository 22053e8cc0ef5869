"""Differences of two texts: both can be read out of them again, whatever they are, and words are told apart."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import differences as rooms
from newsletter.differences import Change, Piece, differences

WORDS = st.text(alphabet="ab \n.,ö", max_size=60)


def both(pieces: list[Piece]) -> tuple[str, str]:
    before = "".join(one.words for one in pieces if one.change is not Change.ADDED)
    after = "".join(one.words for one in pieces if one.change is not Change.REMOVED)
    return before, after


@given(WORDS, WORDS)
def test_both_texts_are_in_it(before: str, after: str) -> None:
    pieces = differences(before, after)
    assert both(pieces) == (before, after)
    assert all(one.change is not other.change for one, other in pairwise(pieces))


def test_words_are_told_and_not_whole_paragraphs() -> None:
    assert differences("Hello Jane, walk more.\n\nBye.", "Hello Jane, walk much more.\n\nBye.") == [
        Piece(Change.SAME, "Hello Jane, walk "), Piece(Change.ADDED, "much "), Piece(Change.SAME, "more.\n\nBye."),
    ]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [("", ""), ("a", "a"), ("x\n" * 9, "x\n" * 9)])
def test_what_is_the_same_is_one_piece(before: str, after: str) -> None:
    assert [one.change for one in differences(before, after)] == [Change.SAME][: len(before)]


def test_beyond_the_bound_the_rest_is_replaced_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = "head\n" + "a b c\n" * 50 + "foot", "head\n" + "c b a\n" * 50 + "foot"
    monkeypatch.setattr(rooms._Comparison, "__init__", lambda self, left=10: setattr(self, "left", left))
    pieces = differences(before, after)
    assert both(pieces) == (before, after)
    assert [one.change for one in pieces] == [Change.SAME, Change.REMOVED, Change.ADDED, Change.SAME]
