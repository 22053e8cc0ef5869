"""The numbers of the first page."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, func, select

from newsletter import jobs
from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.events import By, Event, EventKind
from newsletter.guides import Guide, GuideRequest
from newsletter.mail.ledger import Lane, Message
from newsletter.runtime import Runtime
from newsletter.subscribers import Status, Subscriber
from newsletter.web import state
from newsletter.web.owner import dashboard
from newsletter.web.owner.dashboard import guide_numbers, sign_ups
from tests.journey.acts import sign_up
from tests.web.owner.conftest import Desk, sign_in


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


def test_i_see_who_has_not_confirmed_for_three_days_and_ask_them_again_with_one_press(
    desk: Desk, runtime: Runtime, clock: FixedClock
) -> None:
    sign_up(runtime)
    sign_up(runtime, "joe@example.com")
    assert "not confirmed for three days" not in desk.read("/owner/")
    clock.forward(timedelta(days=6))
    sign_in(desk.client)
    page = desk.read("/owner/")
    assert "2 people have not confirmed for three days. 2 of them may be asked once more." in page
    dry = desk.read("/owner/subscribers/actions/new?status=pending&do=remind")
    assert "2 people get the question of the confirmation once more." in dry and "Ask 2 people again" in dry
    with runtime.database.reading() as session:
        before = session.scalar(select(func.count(Message.id)))
    path = desk.post("/owner/subscribers/actions/new", do="remind", status="pending").request.path
    clock.forward(timedelta(seconds=10))
    while runtime.delivery.run(Lane.TRANSACTIONAL):
        pass
    jobs.go_on_with_bulk_actions(runtime, lambda: False)
    assert "Ask again who has not confirmed" in desk.read(path)
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(Message.id))) == before + 2
        assert set(session.scalars(select(Subscriber.status))) == {Status.PENDING}
    assert "not confirmed for three days" not in desk.read("/owner/"), "nobody is asked so a second time"


def test_how_it_goes_stands_beside_how_it_went(desk: Desk, runtime: Runtime, person: Callable[..., int]) -> None:
    who, now = person("jane@example.com"), runtime.clock.now()
    with runtime.database.transaction() as session:
        guide = session.scalars(select(Guide.id)).first()
        for days, kind in ((1, EventKind.NEWSLETTER_ON), (2, EventKind.NEWSLETTER_ON), (40, EventKind.NEWSLETTER_ON)):
            session.add(Event(subscriber_id=who, at=now - timedelta(days=days), kind=kind, by=By.PAGE))
        session.add(GuideRequest(subscriber_id=who, guide_id=guide, requested_at=now, fetched_at=now))
    words = desk.read("/owner/")
    assert "+2 Net readers, last 30 days +1 against the 30 days before" in words
    assert "1 of 1 Guides fetched of asked, last 30 days +1 against the 30 days before" in words
    assert "Clicked in the last campaign" not in words, "none has gone out"


def test_on_a_large_list_home_waits_for_no_count(
    desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, enrolled: Callable[..., int]
) -> None:
    enrolled("jane@example.com")
    monkeypatch.setattr(state, "LARGE", 0)
    asked: list[tuple[str, str]] = []
    event.listen(
        runtime.database.engine, "before_cursor_execute",
        lambda *of: asked.append((threading.current_thread().name, of[2])),
    )  # fmt: skip
    words = desk.read("/owner/")
    assert "series mails are being counted" in words and "not counted yet" in words
    figures = desk.client.application.extensions["newsletter"].figures
    figures.wait()
    beside = {one for thread, one in asked if thread.startswith("figures")}
    heavy = ("GROUP BY enrollments.place_id", "FROM events", "guide_requests.requested_at")
    assert all(any(word in one for one in beside) for word in heavy)
    assert not [one for thread, one in asked if not thread.startswith("figures") and any(word in one for word in heavy)]
    words = desk.read("/owner/")
    assert "about 1 series mail" in words and "counted yet" not in words
