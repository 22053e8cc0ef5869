"""About how many people there are, told from a sample."""

from collections.abc import Callable
from random import Random

import pytest
from sqlalchemy import delete, true

from newsletter.db import Database
from newsletter.subscribers import Estimate, Subscriber, estimate, sample

Person = Callable[..., int]


@pytest.fixture
def crowd(database: Database, person: Person) -> int:
    for number in range(100):
        person(f"reader{number}@example.com", first_name="Ann" if number % 2 else "Ben")
    return 100


def about(database: Database, *conditions: object, seed: int = 1) -> Estimate:
    with database.reading() as session:
        return estimate(session, *conditions, random=Random(seed))  # type: ignore[arg-type]


def test_a_small_list_is_counted(database: Database, crowd: int) -> None:
    assert about(database, Subscriber.first_name == "Ann") == Estimate(50)
    assert about(database, ~true()) == Estimate(0)


def test_an_empty_one_has_nobody(database: Database) -> None:
    assert about(database) == Estimate(0)


@pytest.mark.parametrize("seed", range(3))
def test_a_part_of_them_stands_for_all(
    database: Database, crowd: int, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(sample, "DRAWN", 60)
    told = about(database, Subscriber.first_name == "Ann", seed=seed)
    assert not told.is_bound and 30 <= told.people <= 70
    assert told.people % 10 == 0, "of so few that were found one digit is told"
    monkeypatch.setattr(sample, "MANY", 20)
    assert about(database, Subscriber.first_name == "Ann", seed=seed).people in range(30, 71)


@pytest.mark.parametrize("seed", range(3))
def test_of_few_only_a_bound_is_told(
    database: Database, crowd: int, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(sample, "DRAWN", 50)
    told = about(database, Subscriber.email == "reader7@example.com", seed=seed)
    assert told.is_bound and told.people > 1
    assert about(database, ~true(), seed=seed).is_bound, "that none was drawn does not say that there is none"


def test_deleted_people_are_not_counted(database: Database, crowd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.transaction() as session:
        session.execute(delete(Subscriber).where(Subscriber.first_name == "Ben", Subscriber.id > 1))
    monkeypatch.setattr(sample, "DRAWN", 80)
    told = about(database)
    assert 40 <= told.people <= 60
