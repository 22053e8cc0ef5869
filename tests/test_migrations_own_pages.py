"""Migrations 0080 and 0081: taken back, nobody gets what they had left out or paused; and there again."""

from collections.abc import Callable

from sqlalchemy import select, text

from newsletter import articles, journey, schema, topics
from newsletter.articles import Article
from newsletter.events import By, Event, EventKind, Press, WhyLeft
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, Reason, State
from newsletter.runtime import Runtime
from newsletter.subscribers import AddressChange, Stream, Subscriber, TopicChoice, read_address
from tests.conftest import NOON
from tests.test_migrations import back_to


def _rows(runtime: Runtime, words: str) -> list[tuple[object, ...]]:
    with runtime.database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(words))]


def test_topics_there_and_back(runtime: Runtime, person: Callable[..., int]) -> None:
    database = runtime.database
    jane, joe = person("jane@example.com"), person("joe@example.com")
    with database.transaction() as session:
        food = topics.add(session, "Food", NOON)
        about = [food, topics.by_slug(session, "training"), None]
        made = [articles.write(session, NOON, title=f"T{n}", subject="S", body="B", topic=one).id
                for n, one in enumerate(about)]  # fmt: skip
        choice = TopicChoice.of({food.id})
        journey.choose(session, session.get_one(Subscriber, joe), True, "", "Food alone.", NOON, topics=choice)
        message, _ = ledger.queue(session, session.get_one(Subscriber, joe), Stream.CAMPAIGN, "campaign:1", NOON)
        ledger.cancel(session, NOON, Reason.TOPIC_LEFT, Message.id == message.id)
    back_to("0071", database)
    listed = ", ".join(map(str, made))
    assert _rows(runtime, f"SELECT topic FROM articles WHERE id IN ({listed}) ORDER BY id") == [
        (None,), ("Training",), (None,),
    ]  # fmt: skip
    takes = _rows(runtime, "SELECT id, newsletter FROM subscribers ORDER BY id")
    assert [(id, bool(newsletter)) for id, newsletter in takes] == [(jane, True), (joe, False)]
    assert _rows(runtime, "SELECT kind FROM events") == []
    assert _rows(runtime, "SELECT reason FROM messages") == [("newsletter-left",)]
    schema.upgrade(database)
    with database.transaction() as session:
        found = [session.get_one(Article, id).topic for id in made]
        assert [one and one.slug for one in found] == [None, "training", None]
        assert [one.name for one in topics.every(session)] == ["Rehabilitation", "Training"]
        assert session.scalars(select(Subscriber.every_topic)).all() == [True, True]
        # What is new is allowed again, and what is no code is refused as before.
        session.add(Event(subscriber_id=jane, at=NOON, kind=EventKind.TOPIC_OFF, by="page", topic_id=1))
        session.get_one(Message, message.id).reason = Reason.TOPIC_LEFT
        session.flush()
        assert session.get_one(Message, message.id).state is State.CANCELLED


def test_a_pause_there_and_back(runtime: Runtime, person: Callable[..., int]) -> None:
    database = runtime.database
    jane, joe = person("jane@example.com"), person("joe@example.com")
    with database.transaction() as session:
        assert journey.pause(session, session.get_one(Subscriber, jane), Press(By.PAGE), NOON)
        journey.unsubscribe(session, session.get_one(Subscriber, joe), NOON, goodbye=False)
        journey.say_why(session, session.get_one(Subscriber, joe), WhyLeft.OTHER, Press(By.MAIL), NOON)
        message, _ = ledger.queue(session, session.get_one(Subscriber, jane), Stream.CAMPAIGN, "campaign:1", NOON)
        ledger.cancel(session, NOON, Reason.PAUSED, Message.id == message.id)
    back_to("0080", database)
    assert [bool(one) for (one,) in _rows(runtime, "SELECT newsletter FROM subscribers ORDER BY id")] == [False, False]
    assert _rows(runtime, "SELECT kind FROM events") == [("left",)]
    assert _rows(runtime, "SELECT reason FROM messages") == [("not-eligible",)]
    schema.upgrade(database)
    with database.transaction() as session:
        assert session.scalars(select(Subscriber.paused_until)).all() == [None, None]
        assert journey.say_why(session, session.get_one(Subscriber, joe), WhyLeft.OTHER, Press(By.MAIL), NOON)
        assert journey.pause(session, session.get_one(Subscriber, jane), Press(By.PAGE), NOON)
        session.get_one(Message, message.id).reason = Reason.PAUSED


def test_a_change_that_could_be_taken_back_stays_done(runtime: Runtime, person: Callable[..., int]) -> None:
    database = runtime.database
    with database.transaction() as session:
        jane = session.get_one(Subscriber, person("jane@example.com"))
        assert journey.ask_move(session, runtime, jane, read_address("new@example.com"), Press(By.PAGE), NOON)
    with database.transaction() as session:
        journey.move(session, runtime, 1, Press(By.MAIL), NOON)
    back_to("0150", database)
    assert _rows(runtime, "SELECT email FROM subscribers") == [("new@example.com",)]
    schema.upgrade(database)
    with database.transaction() as session:
        assert session.scalars(select(AddressChange.done_at)).one() == NOON
        assert journey.stay(session, runtime, 1, NOON) is journey.Stayed.OVER
        assert journey.move(session, runtime, 1, Press(By.MAIL), NOON).email == "new@example.com", "pressed once more"
