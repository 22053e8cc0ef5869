"""A campaign about a topic: whoever does not take it when it is claimed gets nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter import articles
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Message, State
from newsletter.mail.ledger.claim import BatchClaim, RowClaim
from newsletter.mail.ledger.queue import fill
from newsletter.subscribers import EVERY_TOPIC, Segment, Subscriber, TopicChoice, set_topics
from tests.conftest import NOON

People = Callable[..., int]
TOPIC, OTHER = 1, 2
TAKES = {"every": EVERY_TOPIC, "this": TopicChoice.of({TOPIC}), "other": TopicChoice.of({OTHER}),
         "none": TopicChoice.of(())}  # fmt: skip


def _choose(database: Database, choices: dict[str, TopicChoice]) -> None:
    with database.transaction() as session:
        for name, choice in choices.items():
            one = session.scalars(select(Subscriber).where(Subscriber.email == f"{name}@example.com")).one()
            set_topics(session, one, choice)


def _written(database: Database, person: People, topic: int | None) -> None:
    """A campaign to four people who all took every topic when it was written down."""
    last = max(person(f"{name}@example.com") for name in TAKES)
    with database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.").current
        made = Dispatch(revision_id=words.id, topic_id=topic, idempotency_key="campaign:7", created_at=NOON,
                        fill_until=last)  # fmt: skip
        session.add(made)
        session.flush()
        fill(session, made, Segment(topic=topic).condition(), NOON, 100)


def _claimed(database: Database) -> RowClaim | BatchClaim | None:
    with database.transaction() as session:
        return ledger.claim(session, ledger.Lane.BULK, "a", NOON + timedelta(hours=1), 10)


def _names(claim: RowClaim | BatchClaim | None) -> set[str]:
    return {one.email.partition("@")[0] for one in claim.messages} if claim else set()


@pytest.mark.parametrize(("topic", "gets"), [(TOPIC, {"every", "this"}), (None, set(TAKES))])
def test_a_batch_goes_to_who_takes_the_topic_when_it_is_claimed(
    topic: int | None, gets: set[str], database: Database, person: People
) -> None:
    _written(database, person, topic)
    _choose(database, TAKES)
    assert _names(_claimed(database)) == gets
    with database.reading() as session:
        states = dict(session.execute(select(Subscriber.email, Message.state).join(
            Message, Message.subscriber_id == Subscriber.id)).all())  # fmt: skip
    assert {name.partition("@")[0] for name, state in states.items() if state is State.CANCELLED} == set(TAKES) - gets


@pytest.mark.parametrize(("topic", "gets"), [(TOPIC, {"every", "this"}), (None, set(TAKES))])
def test_so_does_what_waits_by_itself_for_another_try(
    topic: int | None, gets: set[str], database: Database, person: People
) -> None:
    _written(database, person, topic)
    with database.transaction() as session:
        session.execute(update(Message).values(state=State.DEFERRED, due_at=NOON, attempts=1))
    _choose(database, TAKES)
    claim = _claimed(database)
    assert isinstance(claim, RowClaim) and _names(claim) == gets
    # And once more when it is about to go: who unticks it after the claim does not get it either.
    _choose(database, {"this": TopicChoice.of({OTHER})})
    with database.transaction() as session:
        going = claim.mark_sending(session, [one.id for one in claim.messages], NOON)
    left = {one.email.partition("@")[0] for one in claim.messages if one.id in going}
    assert left == gets - ({"this"} if topic else set())


def test_recipients_are_those_who_take_it(database: Database, person: People) -> None:
    for name in TAKES:
        person(f"{name}@example.com")
    _choose(database, TAKES)
    _written(database, person, TOPIC)
    with database.reading() as session:
        listed = session.scalars(select(Subscriber.email).join(Message, Message.subscriber_id == Subscriber.id)).all()
    assert {one.partition("@")[0] for one in listed} == {"every", "this"}
