"""Write: one list that says of every article and campaign what it is and what happens next."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select

from newsletter.articles import Article, Revision
from newsletter.campaigns import Campaign
from newsletter.clicks import Click, Link
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.sequences import Place, Sequence, Step
from newsletter.web import state
from tests.conftest import NOON
from tests.web.owner.conftest import Desk
from tests.web.owner.test_campaigns import draft, launch

__all__ = ["draft"]


def test_i_follow_a_text_from_its_first_draft_to_its_results_in_one_list(
    desk: Desk, draft: int, article: int, runtime: Runtime
) -> None:
    told = "On walking draft A draft: nothing is planned. It would go to 2 people."
    assert told in desk.read("/owner/write?state=draft") and "Check and send : On walking" in desk.read("/owner/write")
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="at", day="2026-06-04", clock="09:00")
    words = desk.read("/owner/write?state=scheduled")
    assert "Goes on Thu 4 Jun 2026, 09:00 BST to 2 people." in words and "Change the time : On walking" in words
    desk.post(f"/owner/campaigns/{draft}/unschedule")
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    launch(runtime, deliver=False)
    assert "Goes out now: 0 of 2 have had their turn." in desk.read("/owner/write?state=sending")
    desk.post(f"/owner/campaigns/{draft}/pause")
    assert "paused Paused: 0 of 2" in desk.read("/owner/write?state=sending")
    desk.post(f"/owner/campaigns/{draft}/resume")
    launch(runtime)
    with runtime.database.transaction() as session:
        session.get_one(Campaign, draft).counted_clicks = True
        one, link = (
            session.scalars(select(Message).where(Message.dispatch_id.is_not(None))).first(),
            Link(url="https://a"),
        )
        assert one is not None and one.revision_id and one.subscriber_id
        session.add(Click(subscriber_id=one.subscriber_id, message_id=one.id, dispatch_id=one.dispatch_id,
                          revision_id=one.revision_id, link=link, person_at=NOON))  # fmt: skip
    words = desk.read("/owner/write?state=sent")
    assert "Sent on 1 Jun 2026: 2 accepted, 1 clicked." in words and "See the results : On walking" in words
    assert "all 1 draft 0" in desk.read("/owner/write?q=walking") and "sent 1" in words


def test_what_i_called_off_says_how_many_had_it_or_that_nothing_had_left(desk: Desk, draft: int) -> None:
    assert "called off" not in desk.read("/owner/write"), "a state that nobody needs yet"
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="at", day="2026-06-04", clock="09:00")
    desk.post(f"/owner/campaigns/{draft}/cancel")
    assert "Called off on 1 Jun 2026: nothing had left." in desk.read("/owner/write?state=cancelled")


def test_an_article_says_which_step_it_is_and_since_when_everybody_can_read_it(
    desk: Desk, runtime: Runtime, article: int
) -> None:
    assert "in no campaign and no series yet; not public. Send it… : On walking" in desk.read("/owner/write?q=walking")
    with runtime.database.transaction() as session:
        series = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert series is not None
        number, name, first = len(series.current_steps), series.name, series.current_steps[0].article
        first.publish(NOON)
        title = first.title
    words = desk.read("/owner/write?state=series")
    assert title in words and f"in a series in the archive Step 1 of {name} . Everybody can read it in the" in words
    assert f"Step {number} of {name}" in words and "Change the words :" in words


def test_old_addresses_lead_to_the_list_with_their_words(desk: Desk, draft: int) -> None:
    assert (
        desk.client.get("/owner/articles?q=on%20walking")
        .headers["Location"]
        .endswith("/owner/write?kind=article&q=on+walking")
    )
    moved = desk.client.get("/owner/campaigns?before=12")
    assert (moved.status_code, moved.headers["Location"]) == (302, "/owner/write?kind=campaign")
    assert "Was sent" not in desk.read("/owner/write?kind=article&q=walking")
    assert "A draft: nothing is planned." not in desk.read("/owner/write?kind=article&q=walking")


def test_filters_that_find_nothing_say_so_and_keep_the_others(desk: Desk, draft: int) -> None:
    page = desk.get("/owner/write?q=zzzz&kind=campaign&state=sent&topic=99&page=7")
    assert "Nothing is like that" in page and 'href="/owner/write?kind=campaign&amp;q=zzzz"' in page
    assert desk.get("/owner/write?state=no-such&kind=none&page=x&topic=-1")


def test_an_empty_list_says_what_to_do_first(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        for kind in (Campaign, Place, Step, Sequence, Revision, Article):
            session.execute(delete(kind))
    words = desk.read("/owner/write")
    assert "Nothing is written yet Write an article first." in words and "New campaign" not in words


def test_the_pager_says_where_it_is_among_many(desk: Desk, runtime: Runtime) -> None:
    at = NOON + timedelta(hours=1)
    with runtime.database.transaction() as session:
        session.execute(insert(Article), [
            {"slug": f"a{n}", "title": f"Walk {n:03}", "created_at": at, "updated_at": at + timedelta(minutes=n)}
            for n in range(120)
        ])  # fmt: skip
    first, last = desk.read("/owner/write?q=Walk"), desk.read("/owner/write?q=Walk&page=3")
    assert "Page 1 of 3 Next page Last page" in first and "Walk 119" in first and "Walk 069" not in first
    assert "First page Previous page Page 3 of 3" in last and "Walk 019" in last and "Next page" not in last
    assert desk.read("/owner/write?q=Walk&page=999999999999") == last


def test_on_a_large_list_numbers_come_a_little_later_and_no_page_waits_for_them(
    desk: Desk, draft: int, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, person: Callable[..., int]
) -> None:
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    launch(runtime)
    monkeypatch.setattr(state, "LARGE", 0)
    assert "Sent on 1 Jun 2026: its numbers are being counted." in desk.read("/owner/write?state=sent")
    desk.client.application.extensions["newsletter"].figures.wait()
    assert "Sent on 1 Jun 2026: 2 accepted" in desk.read("/owner/write?state=sent")
