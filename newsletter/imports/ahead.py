"""Prefetching: parses the next batch in a thread while the database writes this one."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """The same items, each prepared in a thread while the previous one is used; one ahead at most.

    Close it (`closing`) when leaving early, which waits for the thread to end. Items may not be None.
    """
    with ThreadPoolExecutor(1, "ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item
