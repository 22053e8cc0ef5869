"""Which topics a reader takes: every one, or those they chose; in Python and in SQL alike."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.db import Database
from newsletter.subscribers import (
    EVERY_TOPIC,
    Segment,
    Subscriber,
    Subscription,
    TopicChoice,
    set_topics,
    takes_topic,
    topic_choice,
)
from newsletter.topics import Topic

People = Callable[..., int]
CHOICES = st.one_of(st.just(EVERY_TOPIC), st.sets(st.integers(1, 4)).map(TopicChoice.of))
TOPICS = range(1, 6)


def _taken(choice: TopicChoice) -> set[int]:
    return {topic for topic in TOPICS if choice.takes(topic)}


@given(CHOICES, CHOICES)
def test_both_either_and_wider(one: TopicChoice, other: TopicChoice) -> None:
    assert _taken(one | other) == _taken(one) | _taken(other)
    assert _taken(one & other) == _taken(one) & _taken(other)
    assert one.widens(other) is bool((one.every and not other.every) or _taken(one) - _taken(other))
    assert not (one & other).widens(one), "what both take is never more than one takes"


@pytest.mark.parametrize(
    ("before", "ticked", "shown", "offered", "after"),
    [
        (EVERY_TOPIC, {1, 2}, {1, 2}, {1, 2}, EVERY_TOPIC),
        (EVERY_TOPIC, {1}, {1, 2}, {1, 2}, TopicChoice.of({1})),
        (EVERY_TOPIC, set(), {1, 2}, {1, 2}, TopicChoice.of(())),
        (TopicChoice.of({1}), {1, 2}, {1, 2}, {1, 2}, EVERY_TOPIC),
        (TopicChoice.of({1}), {2}, {1, 2}, {1, 2}, TopicChoice.of({2})),
        # A topic that came while the page was open: nobody has said a word about it.
        (EVERY_TOPIC, {1, 2}, {1, 2}, {1, 2, 3}, EVERY_TOPIC),
        (EVERY_TOPIC, {1}, {1, 2}, {1, 2, 3}, TopicChoice.of({1, 3})),
        (TopicChoice.of({1}), {1, 2}, {1, 2}, {1, 2, 3}, TopicChoice.of({1, 2})),
        # One that was chosen and is archived by now is not on the page, and stays chosen.
        (TopicChoice.of({1, 9}), {2}, {1, 2}, {1, 2}, TopicChoice.of({2, 9})),
        # What was not shown cannot be ticked.
        (TopicChoice.of(()), {1, 3}, {1, 2}, {1, 2, 3}, TopicChoice.of({1})),
    ],
)
def test_what_a_page_of_ticks_means(
    before: TopicChoice, ticked: set[int], shown: set[int], offered: set[int], after: TopicChoice
) -> None:
    assert before.ticked(ticked, shown, offered) == after


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_it_is_kept_and_the_sql_says_what_python_says(data: st.DataObject, database: Database, person: People) -> None:
    with database.reading() as session:
        ids = list(session.scalars(select(Topic.id)))
    people = [person(f"{name}@example.com") for name in ("jane", "joe")]
    choice = st.one_of(st.just(EVERY_TOPIC), st.sets(st.sampled_from(ids)).map(TopicChoice.of))
    wanted = {id: data.draw(choice) for id in people}
    with database.transaction() as session:
        for id, one in wanted.items():
            set_topics(session, session.get_one(Subscriber, id), one)
    with database.reading() as session:
        assert {id: topic_choice(session, session.get_one(Subscriber, id)) for id in people} == wanted
        for topic in ids:
            takers = {id for id in people if wanted[id].takes(topic)}
            assert set(session.scalars(select(Subscriber.id).where(takes_topic(topic)))) == takers
            assert Segment(topic=topic).size(session) == len(takers)


def test_who_takes_no_newsletter_is_in_no_topic_of_it(database: Database, person: People) -> None:
    jane = person("jane@example.com", newsletter=False)
    with database.transaction() as session:
        set_topics(session, session.get_one(Subscriber, jane), TopicChoice.of({1}))
        assert Segment(topic=1).size(session) == 0


def test_a_persons_choice_goes_with_them(database: Database, person: People) -> None:
    jane = person("jane@example.com")
    with database.transaction() as session:
        set_topics(session, session.get_one(Subscriber, jane), TopicChoice.of({1, 2}))
    with database.transaction() as session:
        session.delete(session.get_one(Subscriber, jane))
        session.flush()
        assert session.scalars(select(Subscription.topic_id)).all() == []
