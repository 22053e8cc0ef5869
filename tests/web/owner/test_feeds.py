"""The owner's pages of feeds: added with a look at once, watched, paused, changed, removed; told on the first page."""

import pytest
from sqlalchemy import select, update

from newsletter import campaigns
from newsletter.accounts import AuditEntry, Role
from newsletter.drafts import Draft
from newsletter.feeds import Feed, Makes, Rhythm, Sending
from newsletter.fetch import Trouble
from newsletter.runtime import Runtime
from newsletter.subscribers import segments
from newsletter.subscribers.segments.rules import HasTag, Rules
from tests.feeds.blog import add_feed, blogging
from tests.fetch.hostile import page
from tests.web.owner.conftest import Desk, readable
from tests.web.owner.test_permissions import become

PATH = "/owner/feeds"
WEEKLY = {"rhythm": "weekly", "weekday": "3", "hour": "7", "makes": "articles"}


def _feeds(runtime: Runtime) -> list[Feed]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(Feed)))


def _log(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return [one for one in session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)) if "feed" in one]


def test_a_feed_is_found_from_its_blog_and_its_posts_become_drafts(desk: Desk, runtime: Runtime) -> None:
    with blogging("one", "two") as blog:
        blog.says["/"] = page(b'<link rel="alternate" type="application/rss+xml" href="/feed"><p>Blog')
        told = desk.told(PATH, address=blog.site.url(), takes_old="y", **WEEKLY)
        assert "Its first look comes within a minute." in told and "Not read yet" in told
        (feed,) = _feeds(runtime)
        assert (feed.url, feed.title, feed.weekday, feed.hour) == (blog.url, "Paul’s blog", 3, 7)
        assert (feed.rhythm, feed.makes, feed.takes_old) == (Rhythm.WEEKLY, Makes.ARTICLES, True)
        runtime.look_at_feeds(lambda: False)
        assert "This feed is in the list already." in desk.told(PATH, address=blog.url, **WEEKLY)
        assert len(_feeds(runtime)) == 1
    shown = desk.read(f"{PATH}/{feed.id}")
    assert "Look at the draft : one" in shown and "next look Thu 4 Jun 2026, 07:00" in shown
    listed = desk.read(PATH)
    assert "Once a week" in listed and ": in order 2" in listed
    with runtime.database.reading() as session:
        draft = session.scalars(select(Draft).order_by(Draft.id)).first()
        assert draft is not None
    assert f"Brought over from {blog.site.url('/one')}" in desk.read(f"/owner/articles/new?draft={draft.id}")
    assert "Words of yours are not saved yet: one" in desk.read("/owner/write") and _log(runtime) == ["feed added"]


def test_it_is_changed_paused_and_removed(desk: Desk, runtime: Runtime) -> None:
    id = add_feed(runtime, "http://127.0.0.1:1/feed")
    at = f"{PATH}/{id}"
    assert "Saved." in desk.told(at, rhythm="daily", weekday="0", hour="23", makes="digest")
    (feed,) = _feeds(runtime)
    assert (feed.rhythm, feed.hour, feed.makes) == (Rhythm.DAILY, 23, Makes.DIGEST)
    assert "until you let it go on" in desk.told(f"{at}/pause") and "Paused since" in desk.read(at)
    assert "let it go on first" in desk.told(f"{at}/look") and "paused" in desk.read(PATH)
    assert "within a minute" in desk.told(f"{at}/go-on") and "within a minute" in desk.told(f"{at}/look")
    assert "tick the box" in desk.told(f"{at}/remove") and len(_feeds(runtime)) == 1
    assert "Removed." in desk.told(f"{at}/remove", sure="yes") and _feeds(runtime) == []
    assert _log(runtime) == ["feed saved", "feed paused", "feed goes on", "feed removed"]
    assert desk.post(f"{at}/look").status_code == 404


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"address": "http://10.0.0.1/feed"}, "leads into a private network"),
        ({"address": "http://127.0.0.1:1/feed"}, "The site does not answer"),
        ({"address": "file:///etc/passwd"}, "begin with https://"), ({"address": ""}, "This is no address of a page"),
        ({"address": "http://127.0.0.1:1/", "weekday": "9"}, "Not a valid choice"),
        ({"address": "http://127.0.0.1:1/", "makes": "mail"}, "Not a valid choice"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_is_told_and_kept(typed: dict[str, str], told: str, desk: Desk, runtime: Runtime) -> None:
    answer = desk.post(PATH, **(WEEKLY | typed))
    assert answer.status_code == 422 and told in readable(answer.text) and typed["address"] in answer.text
    assert _feeds(runtime) == []


def test_the_first_page_says_when_a_feed_needs_its_owner(desk: Desk, runtime: Runtime) -> None:
    id = add_feed(runtime, "http://127.0.0.1:1/feed")
    told = "could not be read again and again"
    for failures, shown in ((4, False), (5, True)):
        with runtime.database.transaction() as session:
            session.execute(update(Feed).values(failures=failures, trouble=Trouble.GONE, tried_at=runtime.clock.now()))
        assert (told in desk.read("/owner/")) is shown
    assert "Nothing stands at this address" in desk.read(f"{PATH}/{id}") and "failed Nothing" in desk.read(PATH)
    desk.told(f"{PATH}/{id}/pause")
    assert told not in desk.read("/owner/")


def test_sending_by_itself_is_switched_on_changed_and_off(desk: Desk, runtime: Runtime) -> None:
    at = f"{PATH}/{add_feed(runtime, 'http://127.0.0.1:1/feed')}"
    with runtime.database.transaction() as session:
        segments.save(session, "Runners", Rules(HasTag("runners")), runtime.clock.now())
    assert "Off: new posts become drafts." in desk.read(at)
    told = desk.told(f"{at}/sending", to="everybody", topic="")
    assert "What stands in the feed already does not" in told and "everybody who takes the newsletter." in told
    assert "sends by itself" in desk.read(PATH)
    (feed,) = _feeds(runtime)
    assert (feed.sending, feed.sending_by_id, feed.known_at) == (Sending.EVERYBODY, 1, None)
    told = desk.told(f"{at}/sending", to="segment:1", topic="1")
    assert "the segment “Runners”" in told and "They are about Rehabilitation" in told
    with runtime.database.transaction() as session:
        campaigns.delete_segment(session, session.get_one(segments.SavedSegment, 1))
    assert "Held: its segment is not there any more" in desk.read(at)
    for odd in ("segment:1", "segment:x", "", "everyone"):
        assert "choose one of the list" in desk.told(f"{at}/sending", to=odd, topic="")
    assert "choose one of the list" in desk.told(f"{at}/sending", to="everybody", topic="999")
    assert "New posts become drafts from now on" in desk.told(f"{at}/sending", to="off", topic="")
    assert _feeds(runtime)[0].sending is Sending.OFF
    assert _log(runtime) == ["feed sending changed"] * 3


def test_a_writer_changes_nothing_of_a_feed_that_sends(desk: Desk, runtime: Runtime) -> None:
    id = add_feed(runtime, "http://127.0.0.1:1/feed")
    at = f"{PATH}/{id}"
    desk.told(f"{at}/sending", to="everybody", topic="")
    become(runtime.database, Role.WRITER)
    refused = [desk.post(f"{at}{more}", sure="yes", to="off", topic="", **WEEKLY).status_code
               for more in ("", "/sending", "/pause", "/go-on", "/look", "/remove")]  # fmt: skip
    page = desk.read(at)
    assert refused == [403] * 6 and "On: new posts go to" in page
    assert all(words not in page for words in ("New posts go by themselves to", "Look now", "Remove this feed"))
    become(runtime.database, Role.OWNER)
    desk.told(f"{at}/sending", to="off", topic="")
    become(runtime.database, Role.WRITER)
    assert "until you let it go on" in desk.told(f"{at}/pause")


def test_without_a_feed_i_am_told_what_to_do_first(desk: Desk, runtime: Runtime) -> None:
    assert "No feeds yet Type the address of your blog first" in desk.read(PATH)
    add_feed(runtime, "http://127.0.0.1:1/feed")
    assert "No feeds yet" not in desk.read(PATH)
