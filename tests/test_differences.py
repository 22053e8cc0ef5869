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


def _alternating(*words: str) -> str:
    return "".join(words) * 350


@pytest.mark.parametrize(
    ("before", "after"),
    [(_alternating("a ", "b "), _alternating("a ", "c ")), (_alternating("a\n", "b\n"), _alternating("a\n", "c\n"))],
    ids=["words", "lines"],
)
def test_a_text_that_was_made_to_be_slow_is_replaced_as_a_whole(before: str, after: str) -> None:
    same, *changed = differences(before, after)
    assert len(same.words) == 2 and {one.change for one in changed} == {Change.REMOVED, Change.ADDED}
    assert len(changed) < 4 and both([same, *changed]) == (before, after)


def test_a_long_article_that_was_gone_through_is_told_in_words() -> None:
    paragraphs = [" ".join(f"w{number * place % 97}" for place in range(60)) for number in range(300)]
    before = "\n\n".join(paragraphs)
    pieces = differences(before, before.replace("w55 ", "other "))
    assert both(pieces) == (before, before.replace("w55 ", "other "))
    assert {one.words for one in pieces if one.change is Change.ADDED} == {"other "}


def test_beyond_the_bound_the_rest_is_replaced_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = "head\n" + "a b c\n" * 50 + "foot", "head\n" + "c b a\n" * 50 + "foot"
    monkeypatch.setattr(rooms._Comparison, "__init__", lambda self, left=10: setattr(self, "left", left))
    pieces = differences(before, after)
    assert both(pieces) == (before, after)
    assert [one.change for one in pieces] == [Change.SAME, Change.REMOVED, Change.ADDED, Change.SAME]
