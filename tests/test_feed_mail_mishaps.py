"""Posts that go out by themselves, and what may happen on the way: killed, raced, changed, not allowed any more."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from newsletter import accounts, feed_mail, feeds
from newsletter.accounts import Owner, Role
from newsletter.articles import Article
from newsletter.campaigns import CampaignState
from newsletter.clock import FixedClock
from newsletter.db import holds
from newsletter.feeds import Feed, Sending, work
from newsletter.feeds.record import LEASE
from newsletter.runtime import Runtime
from tests.conftest import InlineTrigger
from tests.feeds.blog import Blog
from tests.feeds.sending import PAULA, WEEK, Inbox, blog, held, later, look, made, scheduled, sending_feed

__all__ = ["blog"]


def race(runtime: Runtime, blog: Blog, clock: FixedClock) -> None:
    """Two beats at once, and each post once."""
    sending_feed(runtime, blog)
    blog.posts("two", "three", "four")
    clock.forward(WEEK)
    with ThreadPoolExecutor(3) as beats:
        list(beats.map(lambda _: look(runtime), range(3)))
    look(runtime)
    assert sorted(made(runtime)) == sorted(scheduled("three", "four"))


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
