"""New posts become drafts, each once, whoever is killed or late; what fails is tried again and told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from newsletter import accounts, feeds, installation
from newsletter.articles import Article
from newsletter.clock import FixedClock
from newsletter.db import holds
from newsletter.drafts import Draft
from newsletter.feeds import Feed, FeedPost, Makes, work
from newsletter.feeds.record import AGAIN, LEASE
from newsletter.fetch import Trouble
from newsletter.installation import LockReason
from newsletter.runtime import Runtime
from tests.feeds.blog import WORDS, add_feed, blogging, rss
from tests.fetch.hostile import page

WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def _owner(runtime: Runtime) -> None:
    """Somebody gets the drafts."""
    with runtime.database.transaction() as session:
        accounts.create(session, "paula@example.org", "a long enough password", runtime.clock.now())


def _look(runtime: Runtime) -> None:
    runtime.look_at_feeds(lambda: False)


def _drafts(runtime: Runtime) -> list[dict[str, str]]:
    with runtime.database.reading() as session:
        return [one.typed for one in session.scalars(select(Draft).order_by(Draft.id))]


def _titles(runtime: Runtime) -> list[str]:
    return [one["title"] for one in _drafts(runtime)]


def _feed(runtime: Runtime, id: int) -> Feed:
    with runtime.database.reading() as session:
        return session.get_one(Feed, id)


def _is_due(runtime: Runtime) -> bool:
    with runtime.database.reading() as session:
        return holds(session, feeds.is_waiting(runtime.clock.now()))


def test_the_first_look_takes_nothing_and_later_ones_what_is_new(runtime: Runtime, clock: FixedClock) -> None:
    with blogging("one", "two") as blog:
        id = add_feed(runtime, blog.url)
        assert _is_due(runtime)
        _look(runtime)
        assert _titles(runtime) == [] and not _is_due(runtime)
        assert _feed(runtime, id).due_at.isoformat() == "2026-06-01T17:00:00+00:00"  # that Monday, 18:00 in London
        blog.posts("one", "two", "three", "four")
        clock.forward(WEEK)
        _look(runtime)
        assert _titles(runtime) == ["three", "four"]
        clock.forward(WEEK)
        _look(runtime)
        assert _titles(runtime) == ["three", "four"]
        assert _drafts(runtime)[0] == {
            "title": "three", "subject": "three", "named": "", "preheader": "How three begins.", "topic": "",
            "source": blog.site.url("/three"), "body": f"{{{{ greeting }}}},\n\nthree {(WORDS * 9).strip()}\n",
        }  # fmt: skip
        assert set(blog.site.asked) == {"/feed"}  # all of a post stands in the feed
    with runtime.database.reading() as session:
        posts = session.scalars(select(FeedPost).order_by(FeedPost.id)).all()
        assert [(one.title, one.taken, one.draft_id is not None) for one in posts] == [
            ("one", False, False), ("two", False, False), ("three", True, True), ("four", True, True),
        ]  # fmt: skip
        assert session.scalars(select(Article.source_url).where(Article.source_url != "")).all() == []


def test_old_posts_are_taken_where_that_was_asked_for(runtime: Runtime) -> None:
    with blogging("one", "two") as blog:
        add_feed(runtime, blog.url, takes_old=True)
        _look(runtime)
    assert _titles(runtime) == ["one", "two"]


def test_a_digest_is_one_draft_of_all_that_is_new(runtime: Runtime, clock: FixedClock) -> None:
    with blogging("one") as blog:
        add_feed(runtime, blog.url, makes=Makes.DIGEST)
        _look(runtime)
        blog.posts("one", "*two*", "three")
        clock.forward(WEEK)
        _look(runtime)
        clock.forward(WEEK)
        _look(runtime)
        (draft,) = _drafts(runtime)
        at = blog.site.url
        assert draft["title"] == "Paul’s blog: three" and draft["source"] == blog.url
        assert draft["body"] == (
            f"{{{{ greeting }}}},\n\n## [three]({at('/three')})\n\nHow three begins.\n\n"
            f"## [\\*two\\*]({at('/*two*')})\n\nHow \\*two\\* begins.\n"
        )


def test_of_a_teaser_the_page_is_read_and_without_it_the_teaser_stays(runtime: Runtime) -> None:
    item = "<item><title>A</title><link>/a</link><description>Begins.</description></item>"
    short = f"<rss><channel><title>B</title>{item}{item.replace('A', 'C').replace('/a', '/c')}</channel></rss>"
    with blogging() as blog:
        blog.says["/feed"] = page(short.encode(), "text/xml")
        blog.says["/a"] = page(f"<article><h1>A</h1><p>{WORDS * 4}<script>x</script></p></article>".encode())
        add_feed(runtime, blog.url, takes_old=True)
        _look(runtime)
        teaser, whole = _drafts(runtime)
        assert whole["body"] == f"{{{{ greeting }}}},\n\n{(WORDS * 4).strip()}\n"
        assert teaser["body"] == f"{{{{ greeting }}}},\n\nBegins.\n\n[C]({blog.site.url('/c')})\n"


def test_who_is_killed_loses_nothing_and_another_goes_on(
    runtime: Runtime, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_down, calls = work.put_down, list[object]()

    def dies(*args: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return put_down(*args)  # type: ignore[arg-type]

    with blogging("one", "two", "three") as blog:
        add_feed(runtime, blog.url, takes_old=True)
        monkeypatch.setattr(work, "put_down", dies)
        with pytest.raises(KeyboardInterrupt):
            _look(runtime)
        assert _titles(runtime) == ["one"]
        _look(runtime)
        assert _titles(runtime) == ["one"] and not _is_due(runtime)  # the lease of the dead still holds
        clock.forward(LEASE)
        _look(runtime)
        assert _titles(runtime) == ["one", "two", "three"]


def test_two_beats_take_a_post_once(runtime: Runtime) -> None:
    with blogging("one", "two") as blog:
        add_feed(runtime, blog.url, takes_old=True)
        with ThreadPoolExecutor(2) as both:
            list(both.map(lambda _: _look(runtime), range(2)))
    assert _titles(runtime) == ["one", "two"]


def test_a_worker_whose_lease_ran_out_takes_nothing_again(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = work._take_new

    def overtaken(*args: object) -> bool:
        monkeypatch.setattr(work, "_take_new", taken)
        with runtime.database.transaction() as session:
            session.execute(update(Feed).values(lease_until=None))
        _look(runtime)  # another one does all of it, between this one's look at what is known and its first post
        return taken(*args)  # type: ignore[arg-type]

    with blogging("one", "two") as blog:
        add_feed(runtime, blog.url, takes_old=True)
        monkeypatch.setattr(work, "_take_new", overtaken)
        _look(runtime)
        assert _titles(runtime) == ["one", "two"]
        posts = feeds.read_feed("<rss><channel><item><guid>one</guid></item></channel></rss>", blog.url).posts
        feed = _feed(runtime, 1)
        work._record(runtime, feed, posts, None)
    assert _titles(runtime) == ["one", "two"]


def test_what_fails_is_tried_again_and_told_after_five_times(runtime: Runtime, clock: FixedClock) -> None:
    with blogging() as blog:
        blog.says["/feed"] = b"HTTP/1.1 500 Oh\r\n\r\n"
        id = add_feed(runtime, blog.url)
        clock.moment -= timedelta(hours=6)
        with runtime.database.transaction() as session:
            session.get_one(Feed, id).due_at = clock.now()
        for failures in range(1, 6):
            _look(runtime)
            feed = _feed(runtime, id)
            assert (feed.failures, feed.trouble) == (failures, Trouble.STATUS)
            with runtime.database.reading() as session:
                assert [one.id for one in feeds.needing_owner(session)] == ([id] if failures == 5 else [])
            monday = datetime(2026, 6, 1, 17, 0, tzinfo=UTC)  # 18:00 in London
            assert feed.due_at == (clock.now() + AGAIN if failures < 5 else monday)
            clock.moment = feed.due_at
        blog.posts("one")
        _look(runtime)
        feed = _feed(runtime, id)
        assert (feed.failures, feed.trouble, feed.looked_at) == (0, None, clock.now())


def test_a_page_that_is_no_feed_is_told_so(runtime: Runtime) -> None:
    with blogging() as blog:
        blog.says["/feed"] = page(b"<html><body>Nothing here</body></html>")
        id = add_feed(runtime, blog.url)
        _look(runtime)
    assert _feed(runtime, id).trouble is Trouble.NO_FEED


def test_a_paused_feed_and_one_of_a_copy_are_not_looked_at(runtime: Runtime, clock: FixedClock) -> None:
    with blogging("one") as blog:
        id = add_feed(runtime, blog.url, takes_old=True)
        with runtime.database.transaction() as session:
            session.get_one(Feed, id).pause(clock.now())
        _look(runtime)
        with runtime.database.transaction() as session:
            session.get_one(Feed, id).go_on(clock.now())
            installation.current(session).lock(LockReason.RESTORED, 0, None, clock.now())
        _look(runtime)
        assert blog.site.asked == [] and _titles(runtime) == []


def test_a_slice_that_is_over_leaves_the_rest_for_the_next_tick(runtime: Runtime) -> None:
    turns = iter([False, False, True, True])
    with blogging("one", "two") as blog:
        add_feed(runtime, blog.url, takes_old=True)
        runtime.look_at_feeds(lambda: next(turns))
        assert _titles(runtime) == ["one"] and _is_due(runtime)
        _look(runtime)
    assert _titles(runtime) == ["one", "two"]


def test_a_feed_that_is_removed_in_the_middle_leaves_no_draft(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = work.found

    def removed(*args: object) -> object:
        with runtime.database.transaction() as session:
            session.delete(session.get_one(Feed, 1))
        return found(*args)  # type: ignore[arg-type]

    with blogging("one") as blog:
        add_feed(runtime, blog.url, takes_old=True)
        monkeypatch.setattr(work, "found", removed)
        _look(runtime)
    assert _titles(runtime) == []


def test_drafts_of_who_may_not_write_any_more_go_to_somebody_who_may(runtime: Runtime, clock: FixedClock) -> None:
    with runtime.database.transaction() as session:
        second = accounts.create(session, "vera@example.org", "a long enough password", clock.now())
        session.flush()
        id = second.id
    with blogging("one") as blog:
        feed = add_feed(runtime, blog.url, takes_old=True)
        with runtime.database.transaction() as session:
            session.get_one(Feed, feed).owner_id = id
            session.get_one(accounts.Owner, id).role = accounts.Role.VIEWER
        _look(runtime)
    with runtime.database.reading() as session:
        assert session.scalars(select(Draft.owner_id)).all() == [1]


def test_a_feed_that_has_not_changed_is_not_sent_again_and_no_post_is_lost(runtime: Runtime, clock: FixedClock) -> None:
    unchanged = b"HTTP/1.1 304 Not Modified\r\n\r\n"
    with blogging() as blog:
        blog.says["/feed"] = page(rss(["one", "two"]), "text/xml", ETag='"1"')
        id = add_feed(runtime, blog.url, takes_old=True)
        turns = iter([False, False, True, True])
        runtime.look_at_feeds(lambda: next(turns))
        _look(runtime)
        assert _titles(runtime) == ["one", "two"] and "If-None-Match" not in blog.site.heads[1], "not all was taken"
        blog.says["/feed"] = unchanged
        clock.forward(WEEK)
        _look(runtime)
        assert 'If-None-Match: "1"' in blog.site.heads[2]
        feed = _feed(runtime, id)
        assert (feed.trouble, feed.looked_at, feed.etag) == (None, clock.now(), '"1"')
        blog.says["/feed"] = page(rss(["one", "two", "three"]), "text/xml")
        clock.forward(WEEK)
        _look(runtime)
        assert _titles(runtime)[-1] == "three" and _feed(runtime, id).etag == ""
