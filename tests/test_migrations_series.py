"""Migration 0009: everybody keeps their place in their series, and one series at a time is active."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select, text

from newsletter import schema, sequences
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, EnrollmentStatus, Sequence
from newsletter.smtp import SentList
from newsletter.subscribers import Subscriber
from tests.conftest import NOON
from tests.test_migrations import back_to

ZONE = "Europe/London"
BEFORE = "0008"


def _days(runtime: Runtime, clock: FixedClock, days: int) -> None:
    for _ in range(days):
        clock.forward(timedelta(days=1))
        for _ in range(2):
            with runtime.database.transaction() as session:
                sequences.advance_due(session, clock.now(), ZONE)
            while runtime.delivery.run(Lane.BULK):
                pass


def _enrolled(database: Database, people: list[int], sequence: int) -> None:
    with database.transaction() as session:
        for one in people:
            sequences.enroll(session, session.get_one(Subscriber, one), session.get_one(Sequence, sequence), ZONE, NOON)


def test_everybody_keeps_their_place_down_and_up_again(
    runtime: Runtime, person: Callable[..., int], clock: FixedClock, sent: SentList
) -> None:
    database, people = runtime.database, [person("jane@example.com"), person("bob@example.com")]
    _enrolled(database, people, 1)
    _days(runtime, clock, 6)  # the first two articles, after 2 days and 4
    _enrolled(database, [person("new@example.com")], 1)
    before = len(sent.envelopes)
    assert before == 4
    back_to(BEFORE, database)
    with database.transaction() as session:
        # As it was then: two series active at once for one person, and one switched off.
        session.execute(text("UPDATE sequences SET live = false WHERE id = 2"))
        columns = "subscriber_id, sequence_id, course, started_at, anchor_at, due_at, reason"
        session.execute(text(
            f"INSERT INTO enrollments ({columns}) SELECT subscriber_id, 2, course, started_at, anchor_at, due_at, ''"
            " FROM enrollments WHERE subscriber_id = :jane"
        ), {"jane": people[0]})  # fmt: skip
    schema.upgrade(database)
    with database.reading() as session:
        assert session.get_one(Sequence, 2).paused_at is not None
        steps = [step.id for step in session.get_one(Sequence, 1).current_steps]
        rows = session.scalars(select(Enrollment).order_by(Enrollment.id)).all()
        had = [one.place.had if one.place else [] for one in rows]
        assert had == [steps[:2], steps[:2], [], []]
        assert [one.status for one in rows] == [
            EnrollmentStatus.ACTIVE,
            EnrollmentStatus.ACTIVE,
            EnrollmentStatus.ACTIVE,
            EnrollmentStatus.WAITING,
        ]
        assert [one.next_step.id for one in rows[:3] if one.next_step] == [steps[2], steps[2], steps[0]]
    _days(runtime, clock, 90)
    counts = {one.recipient: 0 for one in sent.envelopes}
    for one in sent.envelopes:
        counts[one.recipient] += 1
    assert set(counts.values()) == {len(steps)}
