"""What people said after a backup was written holds over its restore, whatever they had said before."""

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import backup, feedback, journey
from newsletter.events import By, Event, Press
from newsletter.runtime import Runtime
from newsletter.subscribers import EVERY_TOPIC, Status, Subscriber, TopicChoice, topic_choice
from tests.backup.conftest import nothing, put_back, statuses
from tests.conftest import NOON


@pytest.mark.parametrize(
    ("then", "since", "lifted"),
    [
        ("left", "complained", Status.UNSUBSCRIBED), ("bounced", "complained", Status.UNSUBSCRIBED),
        ("left", "bounced", Status.UNSUBSCRIBED), ("bounced", "left", Status.UNSUBSCRIBED),
        ("reader", "bounced, then left", Status.UNSUBSCRIBED), ("bounced", "bounced", Status.CONFIRMED),
    ],
)  # fmt: skip
def test_who_was_gone_already_and_has_said_more_since(
    then: str, since: str, lifted: Status, first: Runtime, tmp_path: Path
) -> None:
    def jane(session: Session) -> Subscriber:
        return session.scalars(select(Subscriber).where(Subscriber.email_key == "jane@example.com")).one()

    def happens(what: str) -> None:
        with first.database.transaction() as session:
            if what == "left":
                journey.unsubscribe(session, jane(session), NOON, goodbye=False)
            elif what != "reader":
                feedback.suppress(session, jane(session), Status(what), NOON)

    happens(then)
    written = tmp_path / "later.zip"
    backup.write(first, written, NOON, nothing)
    if then == "bounced" and since in ("left", "bounced"):
        with first.database.transaction() as session:
            journey.lift(session, first, jane(session), "Spoke to her.", NOON)
    for what in since.split(", then "):
        happens(what)
    put_back(first, written)
    with first.database.transaction() as session:
        journey.lift(session, first, jane(session), "Spoke to her once more.", NOON)
        assert jane(session).status is lifted
        last = session.scalars(select(Event).order_by(Event.id.desc())).first()
        assert since != "complained" or last is None or last.before == Status.COMPLAINED


def test_who_had_left_and_was_erased_since_is_not_back_either(first: Runtime, tmp_path: Path) -> None:
    def joe(session: Session) -> Subscriber:
        return session.scalars(select(Subscriber).where(Subscriber.email_key == "joe@example.com")).one()

    with first.database.transaction() as session:
        journey.unsubscribe(session, joe(session), NOON, goodbye=False)
    written = tmp_path / "later.zip"
    backup.write(first, written, NOON, nothing)
    with first.database.transaction() as session:
        journey.erase(session, first, joe(session), NOON)
    assert put_back(first, written).carried == 1
    assert statuses(first) == {"jane@example.com": Status.CONFIRMED}


@pytest.mark.parametrize(
    ("then", "since", "after"),
    [
        (EVERY_TOPIC, TopicChoice.of({1}), TopicChoice.of({1})),
        (EVERY_TOPIC, TopicChoice.of(()), TopicChoice.of(())),
        (TopicChoice.of({1}), EVERY_TOPIC, TopicChoice.of({1})),
        (TopicChoice.of({1, 2}), TopicChoice.of({2}), TopicChoice.of({2})),
        (EVERY_TOPIC, EVERY_TOPIC, EVERY_TOPIC),
    ],
)
def test_a_topic_that_was_left_since_stays_left(
    then: TopicChoice, since: TopicChoice, after: TopicChoice, first: Runtime, tmp_path: Path
) -> None:
    def jane(session: Session) -> Subscriber:
        return session.scalars(select(Subscriber).where(Subscriber.email_key == "jane@example.com")).one()

    def chooses(choice: TopicChoice) -> None:
        with first.database.transaction() as session:
            journey.choose(session, jane(session), True, "", "Save.", NOON, topics=choice)

    chooses(then)
    written = tmp_path / "later.zip"
    backup.write(first, written, NOON, nothing)
    chooses(since)
    assert put_back(first, written).carried == int(then != after)
    with first.database.reading() as session:
        assert topic_choice(session, jane(session)) == after


def test_who_has_paused_since_rests(first: Runtime, file: Path) -> None:
    with first.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == "jane@example.com")).one()
        assert journey.pause(session, jane, Press(By.PAGE), NOON)
    assert put_back(first, file).carried == 1
    with first.database.reading() as session:
        until = dict(session.execute(select(Subscriber.email_key, Subscriber.paused_until)).all())
    assert until == {"jane@example.com": NOON + journey.PAUSE, "joe@example.com": None}
