"""The numbers of the first page."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.guides import Guide, GuideRequest
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber
from newsletter.web.owner import dashboard
from newsletter.web.owner.dashboard import guide_numbers, sign_ups
from tests.web.owner.conftest import Desk


def test_a_new_install_says_what_to_do(desk: Desk) -> None:
    words = desk.read("/owner/")
    assert "0 Pending 0 Confirmed" in words
    assert "Nothing is scheduled or going out." in words
    assert "Nobody is waiting for an article." in words
    assert "No mail was queued." in words
    assert "Nobody has signed up yet. Put a form into your site" in words


def test_people_are_counted_by_status_and_newsletter(desk: Desk, person: Callable[..., int]) -> None:
    person("a@example.com", confirmed=False)
    person("b@example.com")
    person("c@example.com", newsletter=False)
    words = desk.read("/owner/")
    assert "1 Pending 2 Confirmed 0 Unsubscribed 0 Bounced 0 Complained 1 Take the newsletter" in words


def test_the_newest_people_are_named_the_newest_first(desk: Desk, person: Callable[..., int]) -> None:
    for number in range(8):
        person(f"p{number}@example.com", confirmed=number % 2 == 0)
    words = desk.read("/owner/")
    assert "p7@example.com pending" in words and "p1@example.com" not in words
    assert words.index("p7@example.com") < words.index("p2@example.com")


def test_where_nothing_needs_anybody_that_is_told(
    desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = "Nothing needs you just now."
    assert calm not in desk.read("/owner/"), "there are first steps"
    monkeypatch.setattr(dashboard, "first_steps", lambda *_: [])
    monkeypatch.setattr(dashboard, "stays_here", lambda _: False)
    monkeypatch.setattr(dashboard, "_unfilled", lambda _: ())
    assert calm in desk.read("/owner/")
    with runtime.database.transaction() as session:
        session.scalars(select(Article)).first().revisions[-1].body = "{{ nothing.of.the.kind }}"
    assert calm not in desk.read("/owner/")


def test_who_is_due_next_is_named(desk: Desk, enrolled: Callable[..., int]) -> None:
    enrolled("jane@example.com")
    assert "Wed 3 Jun 2026, 12:00 BST jane@example.com Over 40 and suffering" in desk.read("/owner/")


def test_guides_count_people_not_requests(runtime: Runtime, person: Callable[..., int]) -> None:
    jane, joe = person("jane@example.com"), person("joe@example.com")
    with runtime.database.transaction() as session:
        guide, now = session.scalars(select(Guide).order_by(Guide.position)).first(), runtime.clock.now()
        assert guide is not None
        for who, fetched in ((jane, None), (jane, now), (jane, now), (joe, None)):
            session.add(GuideRequest(subscriber_id=who, guide_id=guide.id, requested_at=now, fetched_at=fetched))
    with runtime.database.reading() as session:
        first, second = guide_numbers(session)
    assert (first.asked, first.fetched) == (2, 1)
    assert (second.asked, second.fetched) == (0, 0)


def test_a_day_of_the_chart_begins_at_the_owners_midnight(
    runtime: Runtime, person: Callable[..., int], clock: FixedClock
) -> None:
    before, after = datetime(2026, 5, 31, 22, 59, tzinfo=UTC), datetime(2026, 5, 31, 23, 1, tzinfo=UTC)
    ids = [person(f"p{n}@example.com", confirmed=n > 0) for n in range(4)]
    times = (before, before, after, clock.now() - timedelta(days=40))
    with runtime.database.transaction() as session:
        for id, at in zip(ids, times, strict=True):
            session.get_one(Subscriber, id).created_at = at
    with runtime.database.reading() as session:
        days = sign_ups(session, clock.now(), "Europe/London")
    assert len(days) == 30
    assert [(one.day, one.signed_up, one.confirmed) for one in days[-2:]] == [
        (date(2026, 5, 31), 2, 1),
        (date(2026, 6, 1), 1, 1),
    ]
    assert sum(one.signed_up for one in days) == 3


def test_the_chart_has_a_table_that_says_the_same(desk: Desk, person: Callable[..., int]) -> None:
    person("jane@example.com")
    words = desk.read("/owner/")
    assert "Sign-ups of the last 30 days: 1, of whom 1 confirmed" in words
    assert "Mon 01 Jun 2026 1 1" in words


def test_what_cannot_be_sent_or_shown_is_told_with_the_reason(desk: Desk, runtime: Runtime, article: int) -> None:
    assert "Cannot be sent or shown" not in desk.read("/owner/")
    with runtime.database.transaction() as session:
        bad = session.get_one(Article, article)
        bad.publish(runtime.clock.now())
        bad.revise(runtime.clock.now(), subject="s", preheader="", body="x\n\n{{ brand.metadata }}")
    words = desk.read("/owner/")
    assert "Cannot be sent or shown" in words and "On walking : {{ brand.metadata }} in line 3" in words


def test_the_week_ahead_has_campaigns_and_about_how_many_articles(
    desk: Desk, runtime: Runtime, article: int, enrolled: Callable[..., int]
) -> None:
    assert "Nothing is planned: no campaign, and nobody’s next article." in desk.read("/owner/")
    enrolled("jane@example.com")
    enrolled("joe@example.com")
    with runtime.database.transaction() as session:
        campaign = Campaign(article=session.get_one(Article, article), created_at=runtime.clock.now())
        campaign.stored_state = CampaignState.SCHEDULED
        campaign.scheduled_at = runtime.clock.now() + timedelta(days=1, hours=2)
        session.add(campaign)
    words = desk.read("/owner/")
    assert "Today 1 Jun nothing Tue 2 Jun" in words
    assert "Tue 2 Jun On walking 14:00 Wed 3 Jun about 2 series mails Thu 4 Jun nothing" in words
