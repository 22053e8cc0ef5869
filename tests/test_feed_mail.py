"""New posts of a feed go out by themselves where that is on: each once, to whom it is for, and never what is old."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select, update

from newsletter import accounts, brand, campaigns, feed_mail, feeds, jobs, topics
from newsletter.accounts import AuditEntry, Owner, Role
from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.db import holds
from newsletter.drafts import Draft
from newsletter.feeds import Feed, FeedPost, Mailing, Makes, Sending, work
from newsletter.feeds.record import LEASE
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber, TopicChoice, retag, segments, set_topics
from newsletter.subscribers.segments import SavedSegment
from newsletter.subscribers.segments.rules import HasTag, Rules
from newsletter.topics import Topic
from tests.conftest import InlineTrigger
from tests.feeds.blog import Blog, add_feed, blogging, rss
from tests.fetch.hostile import page

PAULA = "paula@example.org"
WEEK = timedelta(days=7)
Inbox = Callable[[str], list[EmailMessage]]


@pytest.fixture
def blog(runtime: Runtime) -> Iterator[Blog]:
    """Paula's blog, with two old posts."""
    with runtime.database.transaction() as session:
        accounts.create(session, PAULA, "a long enough password", runtime.clock.now())
    with blogging("one", "two") as made:
        yield made


def send_to(
    runtime: Runtime, id: int, sending: Sending = Sending.EVERYBODY, segment: str = "", topic: str = ""
) -> None:
    with runtime.database.transaction() as session:
        named = session.scalar(select(SavedSegment).where(SavedSegment.name == segment))
        about = session.scalar(select(Topic).where(Topic.slug == topic))
        paula = session.scalars(select(Owner).where(Owner.email == PAULA)).one()
        session.get_one(Feed, id).send_to(sending, named, about, paula, runtime.clock.now())


def sending_feed(runtime: Runtime, blog: Blog, makes: Makes = Makes.ARTICLES) -> int:
    """A feed whose new posts go to everybody, and which has been read once."""
    id = add_feed(runtime, blog.url, makes=makes)
    send_to(runtime, id)
    look(runtime)
    return id


def look(runtime: Runtime) -> None:
    runtime.look_at_feeds(lambda: False)


def later(runtime: Runtime, clock: FixedClock, by: timedelta = WEEK) -> None:
    clock.forward(by)
    look(runtime)


def made(runtime: Runtime) -> list[tuple[str, CampaignState]]:
    """Every campaign but the one that the example begins with."""
    with runtime.database.reading() as session:
        rows = session.scalars(select(Campaign).where(Campaign.id > 1).order_by(Campaign.id))
        return [(one.article.title, one.stored_state) for one in rows]


def scheduled(*titles: str) -> list[tuple[str, CampaignState]]:
    return [(one, CampaignState.SCHEDULED) for one in titles]


def mailings(runtime: Runtime) -> list[tuple[str, Mailing | None]]:
    with runtime.database.reading() as session:
        return [(one.title, one.mailing) for one in session.scalars(select(FeedPost).order_by(FeedPost.id))]


def launched(runtime: Runtime, trigger: InlineTrigger) -> None:
    """Let the beat send what is scheduled."""
    for _ in range(4):
        jobs.launch_campaigns(runtime, lambda: False, trigger.wake)
    trigger.wake()


def held(inbox: Inbox, trigger: InlineTrigger, email: str = PAULA) -> list[str]:
    """What notices say of posts that were not sent."""
    trigger.wake()
    told = []
    for one in inbox(email):
        body = one.get_body(("plain",))
        if "not sent by itself" in str(one["Subject"]) and body is not None:
            told.append(" ".join(body.get_content().split()))
    return told


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


@pytest.fixture
def runners(runtime: Runtime, person: Callable[..., int]) -> dict[str, int]:
    """A segment of runners; three people, of whom one runs, one takes the topic, and one does both."""
    made = {name: person(f"{name}@example.com") for name in ("runs", "trains", "both")}
    with runtime.database.transaction() as session:
        segments.save(session, "Runners", Rules(HasTag("runners")), runtime.clock.now())
        training, other = topics.open_ones(session)[1], topics.open_ones(session)[0]
        for name, id in made.items():
            subscriber = session.get_one(Subscriber, id)
            retag(session, id, [] if name == "trains" else ["runners"])
            about = other if name == "runs" else training
            set_topics(session, subscriber, TopicChoice.of([about.id]))
    return made


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


@pytest.mark.parametrize("change", ["removed", "writer", "edited", "off"])
def test_who_may_not_send_words_that_changed_and_what_was_switched_off_send_nothing(
    change: str, runtime: Runtime, blog: Blog, clock: FixedClock, monkeypatch: pytest.MonkeyPatch,
    inbox: Inbox, trigger: InlineTrigger
) -> None:  # fmt: skip
    id = sending_feed(runtime, blog)
    blog.posts("two", "three")
    with monkeypatch.context() as patched:
        patched.setattr(feed_mail, "go_on", lambda *_: None)  # it stops between the article and its campaign
        later(runtime, clock)
    with runtime.database.transaction() as session:
        olga = accounts.create(session, "olga@example.org", "a long enough password", clock.now())
        paula = session.scalars(select(Owner).where(Owner.email == PAULA)).one()
        if change == "removed":
            paula.removed_at = clock.now()
        elif change == "writer":
            paula.role = Role.WRITER
        elif change == "edited":
            article = session.scalars(select(Article).order_by(Article.id.desc())).first()
            assert article is not None
            article.revise(clock.now(), subject="Other", preheader="", body="Words", by=olga.id)
        else:
            session.get_one(Feed, id).send_to(Sending.OFF, None, None, paula, clock.now())
    look(runtime)
    assert (
        CampaignState.SCHEDULED not in dict(made(runtime)).values()
        and len(held(inbox, trigger, "olga@example.org")) == 1
    )


def test_who_is_killed_between_post_and_campaign_loses_nothing_and_another_goes_on(
    runtime: Runtime, blog: Blog, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending_feed(runtime, blog)
    blog.posts("two", "three", "four")
    killed = iter([False, True, True, False])
    schedule = feed_mail.together.schedule

    def dies(*args: object) -> None:
        schedule(*args)  # type: ignore[arg-type]
        if next(killed, False):
            raise KeyboardInterrupt  # before the commit

    monkeypatch.setattr(feed_mail.together, "schedule", dies)
    clock.forward(WEEK)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            look(runtime)
        assert made(runtime) == scheduled("three")
        with runtime.database.reading() as session:
            assert holds(session, feeds.waits_to_be_sent()) and holds(session, feeds.is_waiting(clock.now()))
    look(runtime)
    assert made(runtime) == scheduled("three", "four")


def test_who_is_killed_between_two_posts_loses_nothing(
    runtime: Runtime, blog: Blog, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_down, calls = work.write_down, list[object]()

    def dies(*args: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return write_down(*args)  # type: ignore[arg-type]

    sending_feed(runtime, blog)
    blog.posts("two", "three", "four")
    monkeypatch.setattr(work, "write_down", dies)
    with pytest.raises(KeyboardInterrupt):
        later(runtime, clock)
    later(runtime, clock, LEASE)
    assert made(runtime) == scheduled("three", "four")


def race(runtime: Runtime, blog: Blog, clock: FixedClock) -> None:
    """Two beats at once, and each post once."""
    sending_feed(runtime, blog)
    blog.posts("two", "three", "four")
    clock.forward(WEEK)
    with ThreadPoolExecutor(3) as beats:
        list(beats.map(lambda _: look(runtime), range(3)))
    look(runtime)
    assert sorted(made(runtime)) == sorted(scheduled("three", "four"))


def test_beats_at_once_send_a_post_once(runtime: Runtime, blog: Blog, clock: FixedClock) -> None:
    race(runtime, blog, clock)


def test_workers_that_find_the_same_post_waiting_make_one_campaign(
    runtime: Runtime, blog: Blog, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending_feed(runtime, blog)
    blog.posts("two", "three", "four")
    with monkeypatch.context() as patched:
        patched.setattr(feed_mail, "go_on", lambda *_: None)
        later(runtime, clock)
    with ThreadPoolExecutor(3) as workers:
        list(workers.map(lambda _: feed_mail.go_on(runtime, lambda: False), range(3)))
    assert made(runtime) == scheduled("three", "four")
