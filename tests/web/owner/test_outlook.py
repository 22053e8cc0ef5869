"""What the owner's and the reader's pages say of a series is what the scheduler will do."""

from collections.abc import Callable
from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import select

from newsletter import articles, brand, feedback, sequences
from newsletter.campaigns import Campaign
from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence
from newsletter.subscribers import Status, Subscriber
from tests.conftest import NOON
from tests.web.owner.conftest import Desk

ZONE = "Europe/London"


def _person(runtime: Runtime, enrollment: int) -> int:
    with runtime.database.reading() as session:
        return session.get_one(Enrollment, enrollment).subscriber_id


def _preferences(runtime: Runtime, client: FlaskClient, person: int) -> str:
    page = client.get(runtime.renderer.urls.preferences(person).removeprefix(runtime.settings.site)).text
    return " ".join(page.split())


def _campaign(runtime: Runtime, days: int) -> None:
    with runtime.database.transaction() as session:
        article = articles.write(session, NOON, title="News", subject="News", body="x")
        campaign = Campaign(article=article, created_at=NOON)
        session.add(campaign)
        campaign.schedule(NOON + timedelta(days=days), brand.current(session))


def test_a_campaign_that_is_planned_moves_the_date_on_every_page(
    desk: Desk, client: FlaskClient, runtime: Runtime, enrolled: Callable[..., int]
) -> None:
    person = _person(runtime, enrolled("jane@example.com"))
    assert "Wed 3 Jun 2026, 12:00 BST." in desk.read(f"/owner/subscribers/{person}")
    assert '<time datetime="2026-06-03">3 June 2026</time>' in _preferences(runtime, client, person)
    _campaign(runtime, 2)
    words = desk.read(f"/owner/subscribers/{person}")
    assert "Thu 4 Jun 2026, 12:00 BST (later than due: other mail goes that day)." in words
    assert "4 June 2026" in _preferences(runtime, client, person)
    assert "Thu 4 Jun 2026, 12:00 BST Over 40" in desk.read("/owner/series/1")


def test_home_says_for_how_long_series_mails_give_way_in_its_count_of_a_week(
    desk: Desk, runtime: Runtime, enrolled: Callable[..., int]
) -> None:
    told = "gets their series mail up to 2 days later; that is counted in."
    enrolled("jane@example.com")
    assert told not in desk.read("/owner/"), "there is no campaign to give way to"
    _campaign(runtime, 2)
    assert told in desk.read("/owner/")
    with runtime.database.transaction() as session:
        brand.current(session).series_wait_days = 0
    assert "days later" not in desk.read("/owner/")


def test_a_step_that_gives_way_says_since_when(
    desk: Desk, runtime: Runtime, enrolled: Callable[..., int], clock: FixedClock
) -> None:
    person = _person(runtime, enrolled("jane@example.com"))
    with runtime.database.transaction() as session:
        one = session.scalars(select(Enrollment)).one()
        one.waiting_since, one.due_at = NOON, NOON + timedelta(days=1)
        one.anchor_at = NOON - timedelta(days=2)
    words = desk.read(f"/owner/subscribers/{person}")
    assert "Tue 2 Jun 2026, 12:00 BST (due since Mon 1 Jun 2026, 12:00 BST; it gives way to other mail" in words


def test_a_series_that_is_off_promises_no_date(
    desk: Desk, client: FlaskClient, runtime: Runtime, enrolled: Callable[..., int]
) -> None:
    person = _person(runtime, enrolled("jane@example.com"))
    with runtime.database.transaction() as session:
        sequences.switch_off(session, session.get_one(Sequence, 1), NOON)
    words = desk.read(f"/owner/subscribers/{person}")
    assert "switched off: nothing of it is sent, and no time passes. When it is switched on, Over 40" in words
    assert "Next:" not in words
    assert "sent; the next one when we go on with it" in _preferences(runtime, client, person)


def test_a_dead_address_is_promised_nothing(
    desk: Desk, client: FlaskClient, runtime: Runtime, enrolled: Callable[..., int]
) -> None:
    person = _person(runtime, enrolled("jane@example.com"))
    with runtime.database.transaction() as session:
        feedback.suppress(session, session.get_one(Subscriber, person), Status.BOUNCED, NOON)
    words = desk.read(f"/owner/subscribers/{person}")
    assert "Mail to the address bounced." in words
    assert "Next:" not in words
    assert "Articles that follow a guide" not in _preferences(runtime, client, person)


def test_the_days_for_which_a_series_gives_way_are_a_setting(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        house = brand.current(session)
        kept = {name: getattr(house, name) for name in ("name", "author", "email", "zone", "language", "address")}
    assert "Saved." in desk.told("/owner/settings/brand", **kept, series_wait_days="0")
    assert "Steps do not give way to campaigns" in desk.read("/owner/series/1")
    assert (
        "Give a number of days from 0 to 14." in desk.post("/owner/settings/brand", **kept, series_wait_days="99").text
    )
    with runtime.database.reading() as session:
        assert brand.current(session).series_wait_days == 0
