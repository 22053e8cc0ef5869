"""What a tick costs the database: a handful of statements for a thousand people, and small indexes for nobody."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, update

from newsletter import brand, campaigns, sequences
from newsletter.campaigns import Campaign
from newsletter.db import Database, holds
from newsletter.mail.ledger import Message, State
from newsletter.sequences import Enrollment, EnrollmentStatus, Sequence
from newsletter.sequences.advance import BATCH, SPREAD_OVER
from newsletter.subscribers import Status, Subscriber
from tests.conftest import NOON
from tests.sequences.conftest import ZONE

Series = Callable[..., int]
MOST_STATEMENTS = 20


@contextmanager
def _statements(database: Database) -> Iterator[list[str]]:
    """What is sent to the database inside the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


@contextmanager
def _plans(database: Database) -> Iterator[list[str]]:
    """How the database goes about each look at the enrollments inside the block."""
    found: list[str] = []
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM enrollments" in statement:
            rows = cursor.connection.cursor().execute(f"{explain} {statement}", parameters).fetchall()
            found.append("".join(f"{row[-1]}\n" for row in rows))

    event.listen(database.engine, "before_cursor_execute", note)
    yield found
    event.remove(database.engine, "before_cursor_execute", note)


def _crowd(database: Database, sequence: int, people: int, due_at: datetime) -> None:
    """So many confirmed people, enrolled, all due at one moment."""
    with database.transaction() as session:
        session.execute(
            insert(Subscriber),
            [
                {"email": f"c{one}@example.com", "email_key": f"c{one}@example.com", "first_name": "",
                 "newsletter": True, "status": Status.CONFIRMED, "created_at": NOON, "confirmed_at": NOON}
                for one in range(people)
            ],
        )  # fmt: skip
        ids = session.scalars(select(Subscriber.id)).all()
        session.execute(
            insert(Enrollment),
            [
                {"subscriber_id": id, "sequence_id": sequence, "status": EnrollmentStatus.ACTIVE, "started_at": NOON,
                 "anchor_at": NOON, "due_at": due_at, "tries": 0, "pauses": timedelta()}
                for id in ids
            ],
        )  # fmt: skip


def _advance(database: Database, now: datetime) -> int:
    with database.transaction() as session:
        return sequences.advance_due(session, now, ZONE, mailings=campaigns.planned(session))


def test_a_thousand_who_are_due_take_a_handful_of_statements(series: Series, database: Database) -> None:
    later = NOON + timedelta(days=1)
    _crowd(database, series("1 day", "1 day", "1 day"), BATCH, later)
    with database.transaction() as session:  # a campaign that is planned is looked at too
        campaign = session.scalars(select(Campaign)).one()
        campaign.schedule(NOON + timedelta(days=9), brand.current(session))
    for day in range(1, 4):
        with _statements(database) as seen:
            assert _advance(database, NOON + timedelta(days=day)) == BATCH * (1 if day == 1 else 2)
        assert len(seen) <= MOST_STATEMENTS, "\n".join(one[:100] for one in seen)
        with database.transaction() as session:
            assert session.scalar(select(func.count(Message.id))) == BATCH * day
            ready = Message.state == State.READY
            at = NOON + timedelta(days=day)
            session.execute(update(Message).where(ready).values(state=State.SENT, settled_at=at, due_at=None))
    with _statements(database) as seen:
        assert _advance(database, NOON + timedelta(days=3, hours=1)) == BATCH
    assert len(seen) <= MOST_STATEMENTS
    with database.reading() as session:
        assert set(session.scalars(select(Enrollment.status))) == {EnrollmentStatus.FINISHED}


def test_a_thousand_who_waited_for_their_turn_take_no_more(series: Series, database: Database) -> None:
    first, second = series("1 day", slug="first"), series("1 day", slug="second")
    _crowd(database, first, BATCH, NOON)
    with database.transaction() as session:
        session.execute(update(Enrollment).values(status=EnrollmentStatus.STOPPED, due_at=None))
        waiting = {"sequence_id": second, "status": EnrollmentStatus.WAITING, "started_at": NOON, "anchor_at": NOON,
                   "due_at": NOON, "stopped_at": NOON, "tries": 0, "pauses": timedelta()}  # fmt: skip
        people = session.scalars(select(Subscriber.id)).all()
        session.execute(insert(Enrollment), [{"subscriber_id": id, **waiting} for id in people])
    with _statements(database) as seen:
        assert _advance(database, NOON + timedelta(hours=1)) == BATCH
    assert len(seen) <= MOST_STATEMENTS
    with database.reading() as session:
        due = session.scalars(select(Enrollment.due_at).where(Enrollment.sequence_id == second)).all()
    assert set(due) == {NOON + timedelta(days=1, hours=1)}


def test_a_crowd_is_spread_and_everybody_gets_one(series: Series, database: Database) -> None:
    people, now = 5 * BATCH, NOON + timedelta(days=1)
    _crowd(database, series("1 day"), people, now)
    moved = [_advance(database, now), _advance(database, now)]
    assert moved == [BATCH, 0]
    sent = BATCH
    while sent < people:
        now += timedelta(seconds=20)
        assert now <= NOON + timedelta(days=1) + SPREAD_OVER
        fresh = _advance(database, now)
        assert fresh <= people / 15  # never a crowd again
        sent += fresh
    with database.reading() as session:
        counts = session.scalars(select(func.count()).select_from(Message).group_by(Message.subscriber_id)).all()
    assert (len(counts), set(counts)) == (people, {1})
    assert now >= NOON + timedelta(days=1, minutes=5)


def test_an_idle_tick_reads_no_table(series: Series, database: Database) -> None:
    _crowd(database, series("30 days"), 20_000, NOON + timedelta(days=30))
    off = series("1 day", slug="off")
    with database.transaction() as session:  # half of them due for long, in a series that is switched off
        session.get_one(Sequence, off).live = False
        half = Enrollment.id % 2 == 0
        session.execute(update(Enrollment).where(half).values(sequence_id=off, due_at=NOON - timedelta(days=1)))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    with _plans(database) as plans, database.reading() as session:
        assert _advance(database, NOON) == 0
        assert not holds(session, sequences.is_due(NOON))
    of_message, of_time, of_both = plans
    assert "ix_enrollments_message" in of_message and "ix_enrollments_due" in of_time
    assert "ix_enrollments_message" in of_both and "ix_enrollments_due" in of_both
    for plan in plans:
        assert "Seq Scan on enrollments" not in plan and "SCAN enrollments\n" not in plan, plan


@pytest.mark.parametrize("fraction", [0.5, 1.0])
def test_the_crowd_behind_a_batch_is_only_spread_when_it_is_one(
    fraction: float, series: Series, database: Database
) -> None:
    now = NOON + timedelta(days=1)
    behind = int(BATCH * fraction)
    _crowd(database, series("1 day"), BATCH + behind, now)
    assert _advance(database, now) == BATCH
    assert _advance(database, now) == (0 if behind >= BATCH else behind)
