"""A person at an address: where they stand, what they may be sent, what they are called."""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, literal, select

from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.subscribers import (
    NEWSLETTER,
    Status,
    Stream,
    Subscriber,
    read_address,
    receivable,
    register,
)
from newsletter.subscribers.subscriber import count_by_status, find
from tests.conftest import NOON


def _jane(status: Status = Status.PENDING, newsletter: bool = False) -> Subscriber:
    return Subscriber(email="jane@example.com", email_key="jane@example.com", status=status, newsletter=newsletter)


def test_the_rule_in_python_is_the_rule_in_sql(database: Database) -> None:
    people = list(itertools.product(Status, (True, False), (NOON, None)))
    with database.transaction() as session:
        for number, (status, newsletter, paused_until) in enumerate(people):
            person = register(session, read_address(f"p{number}@example.com"), NOON)
            person.status, person.newsletter, person.paused_until = status, newsletter, paused_until
        session.flush()
        every = session.scalars(select(Subscriber)).all()
        assert len(every) == len(people) == 20
        for stream in Stream:
            may = set(session.scalars(select(Subscriber.id).where(receivable(literal(stream)))))
            assert may == {person.id for person in every if person.may_receive(stream)}, stream


@pytest.mark.parametrize(
    ("status", "streams"),
    [
        (Status.PENDING, {Stream.CONFIRM, Stream.REMINDER, Stream.PROVE}),
        (Status.CONFIRMED, {Stream.CONFIRM, Stream.GUIDE, Stream.STEP, *NEWSLETTER, Stream.PROVE}),
        (Status.UNSUBSCRIBED, {Stream.CONFIRM, Stream.GOODBYE, Stream.PROVE}),
        (Status.BOUNCED, {Stream.CONFIRM}),
        (Status.COMPLAINED, set()),
    ],
)
def test_what_each_status_may_be_sent(status: Status, streams: set[Stream]) -> None:
    assert {stream for stream in Stream if _jane(status, newsletter=True).may_receive(stream)} == streams


def test_a_campaign_is_only_for_who_asked_for_the_newsletter() -> None:
    assert _jane(Status.CONFIRMED, newsletter=True).may_receive(Stream.CAMPAIGN)
    assert not _jane(Status.CONFIRMED, newsletter=False).may_receive(Stream.CAMPAIGN)


def test_confirming_keeps_the_first_date_and_ends_an_unsubscription() -> None:
    jane = _jane()
    jane.confirm(NOON)
    assert jane.unsubscribe(NOON + timedelta(days=1))
    assert (jane.status, jane.newsletter, jane.left_at) == (Status.UNSUBSCRIBED, False, NOON + timedelta(days=1))
    jane.confirm(NOON + timedelta(days=2))
    assert (jane.status, jane.confirmed_at, jane.left_at) == (Status.CONFIRMED, NOON, None)


def test_leaving_twice_keeps_the_first_date() -> None:
    jane = _jane(Status.CONFIRMED)
    assert jane.unsubscribe(NOON)
    assert not jane.unsubscribe(NOON + timedelta(days=1))
    assert jane.left_at == NOON


@pytest.mark.parametrize("status", [Status.BOUNCED, Status.COMPLAINED])
def test_who_bounced_or_complained_does_not_become_writable_by_leaving(status: Status) -> None:
    jane = _jane(Status.CONFIRMED, newsletter=True)
    jane.stop_mail(status, NOON)
    assert not jane.unsubscribe(NOON + timedelta(days=1))
    assert (jane.status, jane.newsletter, jane.left_at) == (status, False, NOON)


def test_two_spellings_are_one_person(database: Database) -> None:
    with database.transaction() as session:
        first = register(session, read_address("Jane@Example.com"), NOON, "Jane")
        again = register(session, read_address("jane@EXAMPLE.com"), NOON, "Janet")
        assert first is again
        assert (again.email, again.first_name) == ("Jane@example.com", "Jane")
        assert session.scalar(select(func.count(Subscriber.id))) == 1


def test_nobody_is_found_who_is_not_there(database: Database) -> None:
    with database.reading() as session:
        assert find(session, read_address("bob@example.com")) is None


def test_people_are_counted_by_where_they_stand(
    database: Database, person: Callable[..., int], clock: FixedClock
) -> None:
    person("alice@example.com")
    person("bob@example.com")
    person("jane@example.com", confirmed=False)
    with database.reading() as session:
        counts = count_by_status(session)
    assert counts == dict.fromkeys(Status, 0) | {Status.CONFIRMED: 2, Status.PENDING: 1}


def test_an_empty_name_changes_nothing() -> None:
    jane = _jane()
    jane.rename("Jane")
    jane.rename("  \r\n")
    assert jane.first_name == "Jane"
