"""New posts of a feed go out by themselves where that is on: each once, to whom it is for, and never what is old."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select, update

from newsletter import accounts, brand, campaigns
from newsletter.accounts import AuditEntry, Role
from newsletter.campaigns import CampaignState
from newsletter.clock import FixedClock
from newsletter.drafts import Draft
from newsletter.feeds import Feed, Mailing, Makes, Sending
from newsletter.runtime import Runtime
from newsletter.subscribers.segments import SavedSegment
from tests.conftest import InlineTrigger
from tests.feeds.blog import Blog, add_feed, rss
from tests.feeds.sending import (
    Inbox,
    blog,
    held,
    later,
    launched,
    look,
    made,
    mailings,
    runners,
    scheduled,
    send_to,
    sending_feed,
)
from tests.fetch.hostile import page

__all__ = ["blog", "runners"]


def test_each_new_post_is_one_campaign_and_old_ones_are_none(
    runtime: Runtime, blog: Blog, clock: FixedClock, person: Callable[..., int], inbox: Inbox, trigger: InlineTrigger
) -> None:
    person("jane@example.com", "Jane")
    person("joe@example.com", newsletter=False)
    person("ann@example.com", confirmed=False)
    sending_feed(runtime, blog)
    assert made(runtime) == []
    later(runtime, clock)
    assert made(runtime) == [], "nothing was new"
    blog.posts("one", "two", "three", "four")
    later(runtime, clock)
    assert made(runtime) == scheduled("three", "four")
    later(runtime, clock)
    launched(runtime, trigger)
    assert [one["Subject"] for one in inbox("jane@example.com")] == ["three", "four"]
    assert inbox("joe@example.com") == inbox("ann@example.com") == []
    with runtime.database.reading() as session:
        assert session.scalars(select(Draft)).all() == []
        log = session.scalars(select(AuditEntry).where(AuditEntry.action == "campaign scheduled by a feed")).all()
        assert [(one.owner_id, one.detail) for one in log] == [(1, "2 three"), (1, "3 four")]


def test_a_weekly_digest_is_one_mail_at_its_hour_and_none_in_a_week_without_posts(
    runtime: Runtime, blog: Blog, clock: FixedClock
) -> None:
    id = sending_feed(runtime, blog, Makes.DIGEST)
    told = rss(("one", "two", "three", "four")).replace(b"<link>/", b"<link>https://blog.example/")
    blog.says["/feed"] = page(told, "application/rss+xml")
    look(runtime)
    assert made(runtime) == [], "its hour has not come: Monday, 18:00 in London"
    with runtime.database.reading() as session:
        assert session.get_one(Feed, id).due_at.isoformat() == "2026-06-01T17:00:00+00:00"
    later(runtime, clock, timedelta(hours=6))
    assert made(runtime) == scheduled("Paul’s blog: four")
    later(runtime, clock)
    assert len(made(runtime)) == 1
    assert [one for _, one in mailings(runtime)] == [None, None, Mailing.MAILED, Mailing.MAILED]


def test_what_stands_in_it_when_sending_is_switched_on_is_not_sent(
    runtime: Runtime, blog: Blog, clock: FixedClock
) -> None:
    id = add_feed(runtime, blog.url)
    look(runtime)
    blog.posts("one", "two", "three")
    send_to(runtime, id)
    look(runtime)
    assert made(runtime) == [] and dict(mailings(runtime))["three"] is None
    blog.posts("one", "two", "three", "four")
    later(runtime, clock)
    assert made(runtime) == scheduled("four")
    send_to(runtime, id, Sending.OFF)
    blog.posts("three", "four", "five")
    later(runtime, clock)
    blog.posts("four", "five", "six")
    send_to(runtime, id)
    later(runtime, clock)
    assert made(runtime) == scheduled("four")
    with runtime.database.reading() as session:
        assert [one.title for one in session.scalars(select(Draft).order_by(Draft.id))] == ["three", "five", "six"]


def test_old_posts_that_were_asked_for_become_drafts_however_long_that_takes(
    runtime: Runtime, blog: Blog, clock: FixedClock
) -> None:
    id = add_feed(runtime, blog.url, takes_old=True)
    send_to(runtime, id)
    turns = iter([False, False, True, True, True])
    runtime.look_at_feeds(lambda: next(turns))
    look(runtime)
    assert made(runtime) == []
    with runtime.database.reading() as session:
        assert [one.title for one in session.scalars(select(Draft).order_by(Draft.id))] == ["one", "two"]


def test_it_goes_to_the_segment_and_topic_that_were_chosen(
    runtime: Runtime, blog: Blog, clock: FixedClock, runners: dict[str, int], inbox: Inbox, trigger: InlineTrigger
) -> None:
    id = sending_feed(runtime, blog)
    send_to(runtime, id, Sending.SEGMENT, "Runners", "training")
    blog.posts("two", "three")
    later(runtime, clock)
    launched(runtime, trigger)
    assert [name for name in runners if inbox(f"{name}@example.com")] == ["both"]


def test_where_the_segment_is_gone_nothing_goes_out(
    runtime: Runtime, blog: Blog, clock: FixedClock, runners: dict[str, int], inbox: Inbox, trigger: InlineTrigger
) -> None:
    id = sending_feed(runtime, blog)
    send_to(runtime, id, Sending.SEGMENT, "Runners")
    with runtime.database.transaction() as session:
        campaigns.delete_segment(session, session.scalars(select(SavedSegment)).one())
    blog.posts("two", "three")
    later(runtime, clock)
    assert made(runtime) == [] and dict(mailings(runtime))["three"] is Mailing.HELD
    (told,) = held(inbox, trigger)
    assert "Its segment is not there any more" in told and f"/owner/feeds/{id}" in told


def test_where_a_check_bites_it_waits_as_a_draft_and_every_owner_is_told(
    runtime: Runtime, blog: Blog, clock: FixedClock, inbox: Inbox, trigger: InlineTrigger
) -> None:
    sending_feed(runtime, blog)
    with runtime.database.transaction() as session:
        brand.current(session).address = ""
        accounts.create(session, "olga@example.org", "a long enough password", clock.now())
        accounts.create(session, "ed@example.org", "a long enough password", clock.now(), role=Role.EDITOR)
    blog.posts("two", "three")
    later(runtime, clock)
    assert made(runtime) == [("three", CampaignState.DRAFT)]
    (told,) = held(inbox, trigger)
    assert "must carry your postal address" in told and "Nobody got it" in told and "/owner/campaigns/2" in told
    assert held(inbox, trigger, "olga@example.org") == [told] and held(inbox, trigger, "ed@example.org") == []
    later(runtime, clock)
    assert len(made(runtime)) == 1


def test_what_only_a_person_can_mean_so_waits_for_one(
    runtime: Runtime, blog: Blog, clock: FixedClock, inbox: Inbox, trigger: InlineTrigger
) -> None:
    sending_feed(runtime, blog)
    blog.posts("two", "[NAME] three")
    later(runtime, clock)
    report = made(runtime)
    assert report == [("[NAME] three", CampaignState.DRAFT)] and "may not be meant so" in held(inbox, trigger)[0]


def test_more_than_three_a_day_wait_as_drafts(
    runtime: Runtime, blog: Blog, clock: FixedClock, inbox: Inbox, trigger: InlineTrigger
) -> None:
    sending_feed(runtime, blog)
    blog.posts("one", "two", *(f"new {number}" for number in range(5)))
    later(runtime, clock)
    assert made(runtime) == [
        *scheduled("new 0", "new 1", "new 2"), ("new 3", CampaignState.DRAFT), ("new 4", CampaignState.DRAFT)
    ]  # fmt: skip
    assert all("more than 3 new posts within a day" in one for one in held(inbox, trigger))
    blog.posts("new 4", "fresh")
    later(runtime, clock)
    assert made(runtime)[-1] == ("fresh", CampaignState.SCHEDULED)


def test_a_post_of_two_feeds_and_one_with_a_new_number_are_sent_once(
    runtime: Runtime, blog: Blog, clock: FixedClock, inbox: Inbox, trigger: InlineTrigger
) -> None:
    sending_feed(runtime, blog)
    blog.says["/atom"] = blog.says["/feed"]
    with runtime.database.transaction() as session:
        session.execute(update(Feed).values(url=blog.site.url("/atom")))
    sending_feed(runtime, blog)
    blog.posts("two", "three")
    blog.says["/atom"] = blog.says["/feed"]
    later(runtime, clock)
    assert [state for _, state in made(runtime)] == [CampaignState.SCHEDULED, CampaignState.DRAFT]
    assert "same address was sent before" in held(inbox, trigger)[0]
