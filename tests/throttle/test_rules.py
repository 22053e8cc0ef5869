"""Rules as the owner sets them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import articles
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, State
from newsletter.mail.ledger.dispatch import Batch
from newsletter.subscribers import Stream, Subscriber
from newsletter.throttle.rules import BadRule, Rate, Rules, Scope, current, listed, put, remove, used, warm_up
from tests.conftest import NOON


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/hour", Rate(100, 3600)),
        ("1/second", Rate(1, 1)),
        (" 20 / 10 minutes ", Rate(20, 600)),
        ("500/day", Rate(500, 86400)),
    ],
)
def test_a_rate_is_read_and_written(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize("text", ["", "100", "0/hour", "-5/hour", "5/week", "5/0 hour", "9999999999/day", "1e3/hour"])
def test_what_is_no_rate_is_told(text: str) -> None:
    with pytest.raises(BadRule, match="should read like 100/hour"):
        Rate.parse(text)


def _now(database: Database, days: float = 0) -> Rules:
    with database.reading() as session:
        return current(session, NOON + timedelta(days=days))


def test_nothing_is_limited_at_first(database: Database) -> None:
    assert not _now(database)


def test_a_limit_replaces_the_one_with_the_same_span_and_can_be_lifted(database: Database) -> None:
    with database.transaction() as session:
        for rate in (Rate(5, 60), Rate(100, 3600), Rate(7, 60)):
            put(session, Scope.DOMAIN, "example.com", rate, NOON)
        put(session, Scope.DOMAIN, "*", Rate(9, 60), NOON)
        put(session, Scope.RELAY, "mx:25", Rate(3, 1), NOON)
    holds = _now(database)
    assert set(holds.of("example.com")) == {Rate(7, 60), Rate(100, 3600)}
    assert holds.of("example.org") == (Rate(9, 60),)
    assert holds.relays == {"mx:25": (Rate(3, 1),)}
    with database.transaction() as session:
        assert remove(session, Scope.DOMAIN, NOON, "example.com") == 2
    assert _now(database).of("example.com") == (Rate(9, 60),)


@pytest.mark.parametrize(("days", "most"), [(-3, 50), (0, 50), (0.99, 50), (1, 100), (2.5, 400), (3, None), (99, None)])
def test_a_warm_up_grows_by_the_day_and_ends(days: float, most: int | None, database: Database) -> None:
    with database.transaction() as session:
        warm_up(session, [5], NOON)
        warm_up(session, [50, 100, 400], NOON)
    assert _now(database, days).everything == ((Rate(most, 86400),) if most else ())
    with database.reading() as session:
        assert [one.name for one in listed(session)] == ["1", "2", "3"]


@pytest.mark.parametrize(("most", "warm"), [(1000, 500), (500, 1000)])
def test_of_a_days_limit_and_a_warm_ups_day_the_smaller_holds_and_a_mail_counts_once(
    most: int, warm: int, database: Database
) -> None:
    with database.transaction() as session:
        put(session, Scope.ALL, "", Rate(most, 86400), NOON)
        put(session, Scope.ALL, "", Rate(90, 3600), NOON)
        warm_up(session, [warm], NOON)
    assert set(_now(database).everything) == {Rate(500, 86400), Rate(90, 3600)}


@pytest.mark.parametrize("counts", [[], [0, 5], [100, 50]])
def test_a_warm_up_that_does_not_grow_is_none(counts: list[int], database: Database) -> None:
    with database.transaction() as session, pytest.raises(BadRule, match="one number for each day"):
        warm_up(session, counts, NOON)


def test_the_ledger_tells_what_was_sent_under_a_limit(database: Database, person: Callable[..., int]) -> None:
    people = [person(f"p{n}@{domain}") for n in range(3) for domain in ("example.com", "sub.example.com")]
    with database.transaction() as session:
        for number, one in enumerate(people):
            to = session.get_one(Subscriber, one)
            message, _ = ledger.queue(session, to, Stream.NOTICE, "x", NOON)
            message.state, message.relay = State.SENT, "a:25" if number < 4 else "b:25"
            message.settled_at = NOON - timedelta(minutes=number * 30)
    rules = Rules(
        (Rate(2, 86400),), {"a:25": (Rate(9, 3601),)}, {"example.com": (Rate(9, 86400),), "*": (Rate(1, 60),)}
    )
    with database.reading() as session:
        told = sorted(used(session, rules, NOON))
    assert told == [
        ("all", "", 86400, 0, 1),
        ("all", "", 86400, 1800, 1),
        ("domain", "example.com", 86400, 0, 1),
        ("domain", "example.com", 86400, 3600, 1),
        ("domain", "example.com", 86400, 7200, 1),
        ("relay", "a:25", 3601, 0, 1),
        ("relay", "a:25", 3601, 1800, 1),
        ("relay", "a:25", 3601, 3600, 1),
    ]


def test_batches_that_wait_look_again_when_a_limit_changes(database: Database) -> None:
    with database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="x").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=0)
        session.add(made)
        session.flush()
        session.add(Batch(dispatch_id=made.id, first_id=1, last_id=9, not_before=NOON + timedelta(minutes=9)))
    with database.transaction() as session:
        put(session, Scope.ALL, "", Rate(5, 60), NOON)
    with database.reading() as session:
        assert session.scalars(select(Batch.not_before)).all() == [NOON + timedelta(seconds=2)]
