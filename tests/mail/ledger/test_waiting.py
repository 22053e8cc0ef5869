"""Whether anything waits: the answer is what a claim would find."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter import articles
from newsletter.db import Database, holds
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Hold, Lane, Reason
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.mail.ledger.queue import cancel_next_batch, fill
from newsletter.mail.ledger.waiting import is_unsettled, is_waiting
from newsletter.subscribers import Segment, Stream, Subscriber
from tests.conftest import NOON

LATER = NOON + timedelta(minutes=2)


def _waits(database: Database, lane: Lane, at: datetime = NOON) -> bool:
    with database.reading() as session:
        return holds(session, is_waiting(lane, at))


def _claims(database: Database, lane: Lane) -> bool:
    with database.transaction() as session:
        found = ledger.claim(session, lane, "t", NOON, 10) is not None
        session.rollback()
    return found


@pytest.fixture
def dispatch(database: Database, person: Callable[..., int]) -> int:
    """A campaign to one person, written."""
    last = person("jane@example.com")
    with database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn both ways.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=last)
        session.add(made)
        session.flush()
        fill(session, made, Segment().condition(), NOON, 100)
        return made.id


def test_nothing_waits_in_an_empty_ledger(database: Database) -> None:
    assert not any(_waits(database, lane) for lane in Lane)


def test_a_mail_waits_in_its_lane_from_its_time_on(database: Database, person: Callable[..., int]) -> None:
    person("jane@example.com")
    with database.transaction() as session:
        ledger.queue(session, session.scalars(select(Subscriber)).one(), Stream.GUIDE, "guide:x:1", LATER)
    assert not _waits(database, Lane.TRANSACTIONAL)
    assert _waits(database, Lane.TRANSACTIONAL, LATER)
    assert not _waits(database, Lane.BULK, LATER)


@pytest.mark.parametrize("change", ["as it is", "paused", "resumed", "cancelled", "later", "claimed", "done"])
def test_a_campaign_waits_while_a_worker_would_find_some_of_it(database: Database, dispatch: int, change: str) -> None:
    with database.transaction() as session:
        found, batch = session.get_one(Dispatch, dispatch), session.scalars(select(Batch)).one()
        if change in ("paused", "resumed"):
            found.pause()
        if change == "resumed":
            found.resume()
        if change == "cancelled":
            found.hold = Hold.CANCELLED
        if change == "later":
            batch.not_before = LATER
        if change in ("claimed", "done"):
            batch.state = BatchState(change)
    assert _waits(database, Lane.BULK) is (change in ("as it is", "resumed")) is _claims(database, Lane.BULK)


def test_rows_of_a_cancelled_campaign_are_to_be_brought_in_line(database: Database, dispatch: int) -> None:
    with database.transaction() as session:
        assert not holds(session, is_unsettled())
        session.get_one(Dispatch, dispatch).hold = Hold.CANCELLED
    with database.transaction() as session:
        assert holds(session, is_unsettled())
        while cancel_next_batch(session, NOON, Reason.CAMPAIGN_CANCELLED):
            pass
        assert not holds(session, is_unsettled())
