"""Migration 0310: what is on its way stays; down again, what waits for its readers' hour still goes at it."""

# ruff: noqa: DTZ001 - a local time as it is typed has no zone

from datetime import UTC, datetime

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from newsletter import articles, brand, campaigns, schema
from newsletter.campaigns import Campaign
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber, register
from newsletter.subscribers.address import read_address
from tests.conftest import NOON
from tests.test_migrations import back_to

BEFORE = "0295"
HONOLULU = datetime(2026, 6, 2, 19, tzinfo=UTC)


def _on_its_way(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        for zone in ("Asia/Tokyo", "Pacific/Honolulu"):
            person = register(session, read_address(f"{zone[:4]}@example.com"), NOON)
            person.zone, person.newsletter = zone, True
            person.confirm(NOON)
        article = articles.write(session, NOON, title="A", subject="B", body="C")
        made = Campaign(article=article, created_at=NOON)
        session.add(made)
        session.flush()
        campaigns.schedule_own_time(session, made, datetime(2026, 6, 2, 9), brand.current(session), NOON, NOON)
    at = datetime(2026, 6, 2, tzinfo=UTC)
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, at)
        campaigns.fill_next(session, at)


def test_what_waits_goes_down_and_up_again_and_is_not_sent_early(runtime: Runtime) -> None:
    database = runtime.database
    _on_its_way(runtime)
    with database.reading() as session:
        assert list(session.scalars(select(Batch.state).order_by(Batch.id))) == [BatchState.OPEN, BatchState.WAITING]
    back_to(BEFORE, database)
    assert "opens_at" not in {one["name"] for one in inspect(database.engine).get_columns("batches")}
    schema.upgrade(database)
    with database.reading() as session:
        found = session.execute(select(Batch.state, Batch.not_before).order_by(Batch.id)).all()
        assert [tuple(one) for one in found] == [(BatchState.OPEN, None), (BatchState.OPEN, HONOLULU)]
        assert set(session.scalars(select(Campaign.own_time))) == {None}
        assert len(session.scalars(select(Subscriber)).all()) == 2


def test_a_batch_waits_for_an_hour_or_does_not_wait(runtime: Runtime) -> None:
    _on_its_way(runtime)
    waits_for_nothing = text("UPDATE batches SET opens_at = NULL WHERE state = 'waiting'")
    with runtime.database.transaction() as session, pytest.raises(IntegrityError, match="waits_for_something"):
        session.execute(waits_for_nothing)
