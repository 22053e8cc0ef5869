"""Numbers of large tables: shown as they were counted lately, counted again beside, never part of a decision."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from newsletter.db import Database
from newsletter.figures import LEAST, MOST, SHARE, Figures, figure, figure_if_kept
from newsletter.subscribers import Segment, Status, Subscriber
from newsletter.subscribers.subscriber import count_by_status

Person = Callable[..., int]


class Hand:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def figures(database: Database, hand: Hand) -> Figures:
    return Figures(database.reading, lambda _: True, hand)


def people(session: Session) -> int:
    return session.scalar(select(func.count(Subscriber.id))) or 0


def shown(database: Database, figures: Figures, count: Callable[[Session], Any] = people, key: str = "people") -> Any:
    with database.reading() as session:
        return figure(figures.carried_by(session), key, count)


def test_a_small_table_is_counted_each_time(database: Database, person: Person) -> None:
    figures = Figures(database.reading, lambda _: False)
    for number in range(3):
        assert shown(database, figures) == number
        person(f"reader{number}@example.com")


def test_a_large_one_is_shown_as_it_was_and_counted_again_beside(
    database: Database, person: Person, figures: Figures, hand: Hand
) -> None:
    assert shown(database, figures) == 0
    person("alice@example.com")
    hand.now += LEAST
    assert shown(database, figures) == 0
    figures.wait()
    assert shown(database, figures) == 0, "it is good for so long"
    hand.now += 1
    assert shown(database, figures) == 0, "whoever finds it old does not wait"
    figures.wait()
    assert shown(database, figures) == 1


def test_who_cannot_wait_gets_none_until_a_large_one_was_counted(
    database: Database, person: Person, figures: Figures
) -> None:
    def soon(figures: Figures) -> int | None:
        with database.reading() as session:
            return figure_if_kept(figures.carried_by(session), "people", people)

    assert soon(Figures(database.reading, lambda _: False)) == 0, "a small one is counted at once"
    assert soon(figures) is None
    figures.wait()
    person("alice@example.com")
    assert soon(figures) == 0
    with database.transaction() as session:
        assert figure_if_kept(session, "people", people) == 1, "what decides always counts"


def test_what_takes_long_is_counted_seldom(database: Database, person: Person, figures: Figures, hand: Hand) -> None:
    def slow(session: Session) -> int:
        hand.now += 10
        return people(session)

    assert shown(database, figures, slow) == 0
    person("alice@example.com")
    hand.now += 10 * SHARE
    shown(database, figures, slow)
    figures.wait()
    assert shown(database, figures, slow) == 0
    hand.now += 1
    shown(database, figures, slow)
    figures.wait()
    assert shown(database, figures, slow) == 1


def test_a_page_knows_how_old_its_oldest_figure_is(database: Database, figures: Figures, hand: Hand) -> None:
    shown(database, figures, key="old")
    hand.now += 20
    with database.reading() as session:
        figures.carried_by(session)
        assert figures.age(session) == 0
        figure(session, "new", people)
        assert figures.age(session) == 0
        figure(session, "old", people)
        figure(session, "new", people)
        assert figures.age(session) == 20


def test_what_decides_always_counts(database: Database, person: Person, figures: Figures) -> None:
    def in_segment() -> int:
        with database.reading() as session:
            return Segment().size(figures.carried_by(session))

    assert in_segment() == 0
    person("alice@example.com", newsletter=True)
    assert in_segment() == 0
    with database.transaction() as session:
        assert Segment().size(session) == 1
        assert count_by_status(session)[Status.CONFIRMED] == 1


def test_segments_do_not_share_a_figure(database: Database, person: Person, figures: Figures) -> None:
    person("alice@example.com", newsletter=True)
    with database.reading() as session:
        figures.carried_by(session)
        assert [Segment(tag=tag).size(session) for tag in (None, "runners")] == [1, 0]


def test_a_database_that_is_away_leaves_the_figure_as_old_as_it_says(
    database: Database, figures: Figures, hand: Hand
) -> None:
    def broken(_: Session) -> int:
        raise OperationalError("SELECT", {}, Exception("gone"))

    assert shown(database, figures) == 0
    hand.now += LEAST + 1
    assert shown(database, figures, broken) == 0
    figures.wait()
    with database.reading() as session:
        assert figure(figures.carried_by(session), "people", broken) == 0
        assert figures.age(session) == LEAST + 1
    figures.wait()
    with pytest.raises(OperationalError):
        shown(database, figures, broken, key="never counted")


def test_only_so_many_are_kept(database: Database, figures: Figures, person: Person) -> None:
    for number in range(MOST + 1):
        shown(database, figures, key=f"figure {number}")
    person("alice@example.com")
    assert shown(database, figures, key="figure 1") == 0
    assert shown(database, figures, key="figure 0") == 1
