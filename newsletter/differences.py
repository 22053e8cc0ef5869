"""Differences of two texts, in words: what was taken out, what was put in, and what stayed.

Lines are compared first, and the words of those that differ then. What goes beyond a bound comes out as replaced as a
whole: a text that was made to be slow does not hold the page.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby

MOST = 10_000_000
"""Comparisons of lines and of words, at most: about half a second's work."""
_LINES = re.compile(r"[^\n]*\n+|[^\n]+")
_WORDS = re.compile(r"\s+|\w+\s*|[^\w\s]\s*")
"""With the empty lines, and the space, behind them: by themselves these would be alike everywhere."""


class Change(StrEnum):
    """What became of a piece."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words, and what became of them."""

    change: Change
    words: str


def differences(before: str, after: str) -> list[Piece]:
    """The pieces that lead from one text to the other: those not added make the one, those not removed the other."""
    found = _Comparison().of_lines(before, after)
    return [
        Piece(change, "".join(piece.words for piece in pieces))
        for change, pieces in groupby(found, lambda piece: piece.change)
    ]


@dataclass(slots=True)
class _Comparison:
    left: int = MOST

    def of_lines(self, before: str, after: str) -> Iterator[Piece]:
        """Line by line, and those that differ in words."""
        return self._of(_LINES.findall(before), _LINES.findall(after), self._of_words)

    def _of_words(self, before: str, after: str) -> Iterator[Piece]:
        return self._of(_WORDS.findall(before), _WORDS.findall(after), _replaced)

    def _of(
        self, before: list[str], after: list[str], closer: Callable[[str, str], Iterator[Piece]]
    ) -> Iterator[Piece]:
        start = _common(before, after)
        end = _common(before[start:][::-1], after[start:][::-1])
        if start:
            yield Piece(Change.SAME, "".join(before[:start]))
        one, other = before[start : len(before) - end], after[start : len(after) - end]
        cost = _cost(one, other)
        if cost > self.left:
            yield from _replaced("".join(one), "".join(other))
        else:
            self.left -= cost
            for kind, was, upto, begin, until in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
                old, new = "".join(one[was:upto]), "".join(other[begin:until])
                yield from [Piece(Change.SAME, old)] if kind == "equal" else closer(old, new)
        if end:
            yield Piece(Change.SAME, "".join(before[len(before) - end :]))


def _cost(one: Sequence[str], other: Sequence[str]) -> int:
    """How many comparisons it takes at most: each step of SequenceMatcher may look at every pair that is alike."""
    counts = Counter(other)
    alike = sum(counts[each] for each in one)
    return (alike + len(one) + len(other)) * min(len(one), len(other))


def _replaced(before: str, after: str) -> Iterator[Piece]:
    if before:
        yield Piece(Change.REMOVED, before)
    if after:
        yield Piece(Change.ADDED, after)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many they begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
