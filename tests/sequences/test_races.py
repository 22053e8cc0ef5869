"""Two beats at once, and somebody who leaves in the middle of it: everybody once, and nobody who has left."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from newsletter import feedback, journey, sequences
from newsletter.db import Database
from newsletter.mail.ledger import Message, Reason, State
from newsletter.sequences import Enrollment, EnrollmentStatus, Sequence
from newsletter.subscribers import Status, Subscriber
from tests.conftest import NOON
from tests.sequences.conftest import ZONE

People = Callable[..., int]
Series = Callable[..., int]
Enroll = Callable[[int, int], int]
LATER = NOON + timedelta(days=1)
ROUNDS = int(os.environ.get("RACE_ROUNDS", "5"))


def _beat(database: Database) -> int:
    with database.transaction() as session:
        return sequences.advance_due(session, LATER, ZONE, limit=4)


def _leave(database: Database, id: int) -> None:
    with database.transaction() as session:
        journey.unsubscribe(session, session.get_one(Subscriber, id), LATER, goodbye=False)


def _bounce(database: Database, id: int) -> None:
    with database.transaction() as session:
        subscriber = session.get_one(Subscriber, id, with_for_update=True)
        feedback.suppress(session, subscriber, Status.BOUNCED, LATER)


def _stop(database: Database, id: int) -> None:
    with database.transaction() as session:
        one = session.scalars(select(Enrollment.id).where(Enrollment.subscriber_id == id)).one()
        sequences.stop(session, session.get_one(Subscriber, id), LATER, Reason.SERIES_STOPPED, only=one)


def _edit(database: Database, id: int) -> None:
    with database.transaction() as session:
        sequence = session.scalars(select(Sequence).where(Sequence.slug == "short")).one()
        sequence.lock(session)
        sequence.move(sequence.current_steps[1], up=False)
        sequences.replan(session, sequence, ZONE, LATER)


def _off(database: Database, id: int) -> None:
    with database.transaction() as session:
        sequence = session.scalars(select(Sequence).where(Sequence.slug == "short")).one()
        sequence.lock(session)
        sequences.switch_off(session, sequence, LATER)


@pytest.mark.parametrize("round", range(ROUNDS))
@pytest.mark.parametrize("act", [_leave, _bounce, _stop, _edit, _off])
def test_two_beats_and_something_in_the_middle(
    act: Callable[[Database, int], None], round: int, person: People, series: Series, enrolled: Enroll,
    database: Database,
) -> None:  # fmt: skip
    short = series("1 day", "1 day", "1 day")
    people = [person(f"p{number}@example.com") for number in range(10)]
    for one in people:
        enrolled(one, short)
    leaver = people[round % len(people)]
    start = threading.Barrier(3)

    def together(work: Callable[[], Any]) -> Any:
        start.wait(10)
        return work()

    def beats() -> int:
        return sum(iter(lambda: _beat(database), 0))

    with ThreadPoolExecutor(3) as pool:
        works = (beats, beats, lambda: act(database, leaver))
        for future in [pool.submit(together, work) for work in works]:
            future.result(60)
    with database.transaction() as session:
        while sequences.advance_due(session, LATER, ZONE):
            pass
        counts = session.execute(
            select(Message.subscriber_id, func.count()).where(Message.state == State.READY)
            .group_by(Message.subscriber_id)
        ).all()  # fmt: skip
        statuses = dict(session.execute(select(Enrollment.subscriber_id, Enrollment.status)).all())
    if act is _off:
        assert counts == []
    elif act is _edit:
        assert dict(counts) == dict.fromkeys(people, 1)
    else:
        assert dict(counts) == {id: 1 for id in people if id != leaver}
        assert statuses[leaver] is EnrollmentStatus.STOPPED


@contextmanager
def _held_before(database: Database, words: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The first statement that begins so waits; (it has come, let it go on)."""
    come, go_on = threading.Event(), threading.Event()

    def hold(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(words) and not come.is_set():
            come.set()
            assert go_on.wait(30)

    event.listen(database.engine, "before_cursor_execute", hold)
    yield come, go_on
    event.remove(database.engine, "before_cursor_execute", hold)


@pytest.mark.parametrize("act", [_leave, _bounce, _stop])
def test_who_leaves_while_their_mail_is_being_queued_does_not_get_it(
    act: Callable[[Database, int], None], person: People, series: Series, enrolled: Enroll, database: Database
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    jane = person("jane@example.com")
    enrolled(jane, series("1 day"))
    with ThreadPoolExecutor(2) as pool, _held_before(database, "INSERT INTO messages") as (come, go_on):
        beat = pool.submit(_beat, database)
        assert come.wait(30)
        leaving = pool.submit(act, database, jane)  # it waits for the tick, or is through before it ends
        go_on.set()
        assert beat.result(30) == 1
        leaving.result(30)
    with database.reading() as session:
        assert session.scalars(select(Message.state)).all() == [State.CANCELLED]
        assert session.scalars(select(Enrollment.status)).all() == [EnrollmentStatus.STOPPED]


def test_two_series_that_begin_in_the_same_moment_come_one_after_the_other(
    person: People, series: Series, database: Database
) -> None:
    jane, ids = person("jane@example.com"), [series("1 day", slug="first"), series("1 day", slug="second")]
    start = threading.Barrier(2)

    def begin(id: int) -> None:
        start.wait(10)
        with database.transaction() as session:
            sequences.enroll(session, session.get_one(Subscriber, jane), session.get_one(Sequence, id), ZONE, NOON)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(begin, id) for id in ids]:
            future.result(30)
    with database.reading() as session:
        assert sorted(session.scalars(select(Enrollment.status))) == [EnrollmentStatus.ACTIVE, EnrollmentStatus.WAITING]
