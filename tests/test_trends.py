"""Numbers of thirty days beside those of the thirty before: from rows, by an index of their time."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from newsletter import articles
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clicks import Click, Link
from newsletter.db import Database
from newsletter.events import By, Event, EventKind
from newsletter.guides import Guide, GuideRequest
from newsletter.mail.ledger import Dispatch
from newsletter.trends import SPAN, Trend, Trends, trends
from tests.conftest import NOON

LATELY, BEFORE, LONG_AGO = NOON - timedelta(days=1), NOON - SPAN, NOON - 2 * SPAN


def _trends(database: Database) -> Trends:
    with database.reading() as session:
        return trends(session, NOON)


def test_nothing_is_nothing(database: Database) -> None:
    assert _trends(database) == Trends(readers=Trend(0, 0), fetched=Trend(0, 0, of=0), clicked=None)


def test_readers_are_who_began_less_who_ended(database: Database, person: Callable[..., int]) -> None:
    who = person("jane@example.com")
    rows = [
        (LATELY, EventKind.NEWSLETTER_ON, None), (LATELY, EventKind.NEWSLETTER_ON, None),
        (LATELY, EventKind.NEWSLETTER_OFF, True), (LATELY, EventKind.LEFT, False),
        (BEFORE, EventKind.NEWSLETTER_ON, None), (BEFORE, EventKind.BOUNCED, True), (BEFORE, EventKind.LEFT, True),
        (BEFORE, EventKind.COMPLAINED, True), (BEFORE, EventKind.SERIES_STARTED, None),
        (LONG_AGO, EventKind.NEWSLETTER_ON, None),
    ]  # fmt: skip
    with database.transaction() as session:
        for at, kind, had_it in rows:
            session.add(Event(subscriber_id=who, at=at, kind=kind, by=By.PAGE, newsletter_before=had_it))
    assert _trends(database).readers == Trend(1, -2) and Trend(1, -2).change == 3


def test_guides_count_people_once_in_each_time(database: Database, person: Callable[..., int]) -> None:
    jane, joe = person("jane@example.com"), person("joe@example.com")
    with database.transaction() as session:
        guide = session.scalars(select(Guide.id)).first()
        for who, at, got in ((jane, LATELY, NOON), (jane, LATELY, None), (joe, LATELY, None), (joe, BEFORE, BEFORE)):
            session.add(GuideRequest(subscriber_id=who, guide_id=guide, requested_at=at, fetched_at=got))
    assert _trends(database).fetched == Trend(1, 1, of=2)


def test_clicks_are_of_the_last_campaign_against_the_one_before(database: Database, person: Callable[..., int]) -> None:
    people = [person(f"p{number}@example.com") for number in range(3)]
    for hours, many in enumerate((1, 3)):
        with database.transaction() as session:
            at = NOON + timedelta(hours=hours)
            words = articles.write(session, at, title="T", subject="s", body="Hi.")
            dispatch = Dispatch(
                revision_id=words.current.id, idempotency_key=f"campaign:{hours}", created_at=at, fill_until=0
            )
            session.add(dispatch)
            session.flush()
            session.add(Campaign(article=words, dispatch_id=dispatch.id, counted_clicks=True, created_at=at,
                                 launched_at=at, stored_state=CampaignState.SENT))  # fmt: skip
            link = Link(url=f"https://example.org/{hours}")
            for who in people[:many]:
                session.add(Click(subscriber_id=who, message_id=100 * hours + who, dispatch_id=dispatch.id,
                                  revision_id=words.current.id, link=link, person_at=at))  # fmt: skip
    assert _trends(database).clicked == Trend(3, 1, of=0)


@pytest.mark.parametrize("index", ["ix_events_readers", "ix_guide_requests_requested_at"])
def test_an_index_of_the_time_finds_what_is_counted(database: Database, index: str) -> None:
    asked: list[tuple[str, object]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *of: asked.append((of[2], of[3])))
    _trends(database)
    table = "events" if "events" in index else "guide_requests"
    statement, values = next(one for one in asked if f"FROM {table}" in one[0])
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        plan = connection.exec_driver_sql(f"{explain} {statement}", values)  # type: ignore[arg-type]
        assert index in "\n".join(str(row) for row in plan)
