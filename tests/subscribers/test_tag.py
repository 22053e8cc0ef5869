"""Tags: cleaned, kept once, gone with their subscriber."""

from collections.abc import Callable

from sqlalchemy import func, select

from newsletter import data_export, journey
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber, SubscriberTag, clean_tag, tag_ids, tags_of
from tests.conftest import NOON


def test_a_tag_is_one_line_of_at_most_80_characters() -> None:
    assert clean_tag(" VIP\n since\t2020\0 ") == "VIP since 2020"
    assert len(clean_tag("x" * 200)) == 80
    assert clean_tag(" \u200b ") == ""


def test_the_same_name_is_the_same_tag(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        first = tag_ids(session, ["a", "b", "a"])
        assert tag_ids(session, ["b", "c"])["b"] == first["b"]
        assert tag_ids(session, []) == {}


def test_tags_are_told_to_their_person_and_erased_with_them(runtime: Runtime, person: Callable[..., int]) -> None:
    id = person("jane@example.com")
    with runtime.database.transaction() as session:
        for tag in tag_ids(session, ["golf", "Alps"]).values():
            session.add(SubscriberTag(subscriber_id=id, tag_id=tag))
    with runtime.database.transaction() as session:
        jane = session.get_one(Subscriber, id)
        assert tags_of(session, id) == data_export.of(session, jane)["tags"] == ["Alps", "golf"]
        journey.erase(session, runtime, jane, NOON)
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(SubscriberTag)) == 0
