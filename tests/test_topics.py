"""Topics: the owner adds, renames, orders and archives them."""

from collections.abc import Callable

import pytest

from newsletter import topics
from newsletter.db import Database
from newsletter.topics import MOST_TOPICS, BadTopic, Topic
from tests.conftest import NOON


def _names(database: Database) -> list[str]:
    with database.reading() as session:
        return [one.name for one in topics.open_ones(session)]


def _of(database: Database, slug: str, act: Callable[[Topic], object]) -> None:
    with database.transaction() as session:
        found = topics.by_slug(session, slug)
        assert found is not None
        act(found)


def test_a_new_install_has_the_two_of_the_example(database: Database) -> None:
    assert _names(database) == ["Rehabilitation", "Training"]


def test_one_is_added_at_the_end_moved_and_archived(database: Database) -> None:
    with database.transaction() as session:
        made = topics.add(session, "Food & sleep", NOON)
        assert (made.slug, made.is_open) == ("food-sleep", True)
        assert not topics.move(session, made, up=False), "it is the last"
        assert topics.move(session, made, up=True)
    assert _names(database) == ["Rehabilitation", "Food & sleep", "Training"]
    _of(database, "food-sleep", lambda one: one.archive(NOON))
    assert _names(database) == ["Rehabilitation", "Training"]
    with database.transaction() as session:
        found = topics.by_slug(session, "food-sleep")
        assert found is not None
        assert not topics.move(session, found, up=True), "an archived one has no place"
        assert topics.every(session)[-1] is found
        found.restore(session)
    assert _names(database) == ["Rehabilitation", "Training", "Food & sleep"]


def test_a_name_changes_and_the_address_stays(database: Database) -> None:
    with database.transaction() as session:
        found = topics.by_slug(session, "training")
        assert found is not None
        topics.change(session, found, name="Strength", slug="training")
        assert (found.name, found.slug) == ("Strength", "training")


def test_every_address_a_topic_had_finds_it_and_may_come_back(database: Database) -> None:
    for slug in ("strength", "power", "training"):
        with database.transaction() as session:
            found = topics.by_slug(session, "training")
            assert found is not None
            topics.change(session, found, name="Strength", slug=slug)
    with database.reading() as session:
        found = [topics.by_slug(session, slug) for slug in ("strength", "power", "training")]
        assert {one and one.slug for one in found} == {"training"}


@pytest.mark.parametrize(
    ("name", "slug", "part", "told"),
    [
        ("", "training", "name", "Give it a name"),
        ("x" * 41, "training", "name", "too long"),
        ("REHABILITATION", "training", "name", "already"),
        ("*", "training", "name", "already"),
        ("Training", "rehabilitation", "slug", "Another topic has this address"),
        ("Training", "physio", "slug", "had it once"),
        ("Training", "A b", "slug", "Small letters"),
        ("Training", "a--b", "slug", "Small letters"),
        ("Training", "a" * 61, "slug", "Small letters"),
        ("Training", "", "slug", "Small letters"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(
    name: str, slug: str, part: str, told: str, database: Database
) -> None:
    with database.transaction() as session:
        other = topics.by_slug(session, "rehabilitation")
        assert other is not None
        topics.change(session, other, name="Physio", slug="physio")
        topics.change(session, other, name="Rehabilitation", slug="rehabilitation")
    with database.transaction() as session:
        found = topics.by_slug(session, "training")
        assert found is not None
        with pytest.raises(BadTopic, match=told) as caught:
            topics.change(session, found, name=name, slug=slug)
        assert caught.value.part == part
    assert _names(database) == ["Rehabilitation", "Training"]


def test_names_that_leave_nothing_of_an_address_get_one_all_the_same(database: Database) -> None:
    with database.transaction() as session:
        made = [topics.add(session, name, NOON).slug for name in ("食事", "睡眠", "x" * 40)]
    assert made == ["topic", "topic-2", "x" * 40]


def test_there_is_an_end_to_them(database: Database) -> None:
    with database.transaction() as session:
        for number in range(MOST_TOPICS - 2):
            topics.add(session, f"Topic {number}", NOON)
        with pytest.raises(BadTopic, match="Archive one first"):
            topics.add(session, "One more", NOON)


@pytest.mark.parametrize("slug", ["\0", "../x", "", "Training", "x" * 5000])
def test_what_is_no_address_finds_nothing(slug: str, database: Database) -> None:
    with database.reading() as session:
        assert topics.by_slug(session, slug) is None
        assert topics.by_name(session, f"\0{slug}\0nothing") is None
