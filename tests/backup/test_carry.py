"""What people said after a backup was written holds over its restore, whatever they had said before."""

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import backup, clicks, feedback, journey
from newsletter.events import By, Event, Press
from newsletter.runtime import Runtime
from newsletter.subscribers import (
    EVERY_TOPIC,
    AddressChange,
    Status,
    Subscriber,
    TopicChoice,
    read_address,
    topic_choice,
)
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


NEW = "jane@new.example.com"


def _moves(first: Runtime) -> None:
    with first.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == "jane@example.com")).one()
        assert journey.ask_move(session, first, jane, read_address(NEW), Press(By.PAGE), NOON)
        (change,) = session.scalars(select(AddressChange.id)).all()
        journey.move(session, first, change, Press(By.MAIL), NOON)


@pytest.mark.parametrize("then", ["nothing", "left", "erased"])
def test_who_has_moved_since_is_not_written_to_at_the_earlier_address(then: str, first: Runtime, file: Path) -> None:
    _moves(first)
    with first.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == NEW)).one()
        if then == "left":
            journey.unsubscribe(session, jane, NOON, goodbye=False)
        elif then == "erased":
            journey.erase(session, first, jane, NOON)
    put_back(first, file)
    stands = {"nothing": Status.CONFIRMED, "left": Status.UNSUBSCRIBED}
    jane_is = {NEW: stands[then]} if then in stands else {}
    assert statuses(first) == {"joe@example.com": Status.CONFIRMED} | jane_is


def test_a_change_that_waited_is_over(first: Runtime, tmp_path: Path) -> None:
    with first.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == "jane@example.com")).one()
        journey.ask_move(session, first, jane, read_address(NEW), Press(By.PAGE), NOON)
    written = tmp_path / "later.zip"
    backup.write(first, written, NOON, nothing)
    put_back(first, written)
    with first.database.transaction() as session, pytest.raises(journey.LinkOver):
        journey.move(session, first, 1, Press(By.MAIL), NOON)


def test_who_objects_since_to_clicks_is_recorded_no_more(first: Runtime, file: Path) -> None:
    with first.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == "jane@example.com")).one()
        clicks.object_to(session, jane.id, NOON)
    assert put_back(first, file).carried == 1
    with first.database.reading() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == "jane@example.com")).one()
        assert clicks.objects(session, jane.id)


def test_who_takes_one_mail_a_week_since_goes_on_so(first: Runtime, file: Path) -> None:
    with first.database.transaction() as session:
        jane = session.scalars(select(Subscriber).where(Subscriber.email_key == "jane@example.com")).one()
        jane.newsletter = True
        assert journey.take_digest(session, jane, Press(By.PAGE, "One mail a week."), NOON)
    put_back(first, file)
    with first.database.reading() as session:
        taken = dict(session.execute(select(Subscriber.email_key, Subscriber.digest)).all())
    assert taken.pop("jane@example.com") and not any(taken.values())
