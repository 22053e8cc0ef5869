"""The next batch is made beside: in order, one at a time, and nothing is left running."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from newsletter.imports.ahead import ahead


def test_all_come_in_their_order() -> None:
    assert list(ahead(iter(range(1, 50)))) == list(range(1, 50))
    assert list(ahead(iter(()))) == []


def test_one_is_made_while_another_is_used_and_none_beyond_it() -> None:
    asked: list[int] = []
    made = [threading.Event() for _ in range(5)]

    def items() -> Iterator[int]:
        for number in range(1, 5):
            asked.append(number)
            made[number].set()
            yield number

    with closing(ahead(items())) as coming:
        assert next(coming) == 1
        assert made[2].wait(10)  # while 1 is used
        assert asked == [1, 2]
        assert next(coming) == 2
        assert made[3].wait(10)
        assert asked == [1, 2, 3]


def test_what_ends_it_early_is_raised_where_it_is_used() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("line 7")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="line 7"):
        next(coming)


def test_who_leaves_early_leaves_no_thread() -> None:
    before = threading.active_count()
    with closing(ahead(iter(range(1, 100)))) as coming:
        assert next(coming) == 1
    assert threading.active_count() == before
