"""A campaign from draft to end."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from newsletter import brand, campaigns
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Lane, Message, State
from newsletter.mail.ledger.counts import invalidate
from newsletter.runtime import Runtime
from newsletter.smtp import SentList, Stage
from newsletter.web.owner.ab_tests import UNDO
from tests.web.owner.conftest import Desk, answering, readable


@pytest.fixture
def draft(desk: Desk, article: int, person: Callable[..., int]) -> int:
    """A draft to Jane and Joe."""
    person("jane@example.com", "Jane")
    person("joe@example.com", "Joe")
    person("pending@example.com", confirmed=False)
    return int(desk.post("/owner/campaigns/new", article=article, audience="").request.path.rsplit("/", 1)[1])


def found(runtime: Runtime, id: int) -> Campaign:
    with runtime.database.reading() as session:
        return session.get_one(Campaign, id, options=[joinedload(Campaign.dispatch)])


def launch(runtime: Runtime, deliver: bool = True) -> None:
    """What the beat does: launch, write the recipients down, deliver, finish."""
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, runtime.clock.now() + UNDO)
    for _ in range(2):
        with runtime.database.transaction() as session:
            campaigns.fill_next(session, runtime.clock.now())
    while deliver and runtime.delivery.run(Lane.BULK):
        pass
    with runtime.database.transaction() as session:
        campaigns.finish_done(session, runtime.clock.now())


def test_the_audiences_show_how_many_people_are_in_them_now(desk: Desk, draft: int) -> None:
    words = desk.read("/owner/campaigns/new")
    assert "2 people: all newsletter readers" in words
    assert "0 people: asked for “9 key" in words
    page = desk.get("/owner/campaigns/new")
    assert '<optgroup label="By guide">' in page and page.count('name="audience"') == 1, "one box, however many tags"


def test_the_time_in_the_form_is_a_suggestion_that_says_so_or_the_time_that_is_set(desk: Desk, draft: int) -> None:
    path = f"/owner/campaigns/{draft}"
    assert "A suggestion: tomorrow at nine." in desk.read(path)
    desk.post(f"{path}/schedule", accept="y", when="at", day="2026-06-05", clock="17:30")
    page = desk.get(path)
    assert 'value="2026-06-05"' in page and 'value="17:30"' in page and "A suggestion" not in page


def test_a_new_campaign_leads_to_an_article_that_is_not_written_yet(desk: Desk, draft: int) -> None:
    assert 'href="/owner/articles/new">Write a new article</a>' in desk.get("/owner/campaigns/new")


def test_creating_the_same_draft_twice_finds_the_first(desk: Desk, draft: int, article: int) -> None:
    again = desk.post("/owner/campaigns/new", article=article, audience="")
    assert again.request.path == f"/owner/campaigns/{draft}"


def test_the_preflight_lists_what_is_in_order(desk: Desk, draft: int) -> None:
    words = desk.read(f"/owner/campaigns/{draft}")
    assert "People : in order 2 will get it." in words
    assert "Postal address : in order 30 Cannon Street" in words
    assert "every variable can be filled in" in words


def test_without_a_postal_address_nothing_is_scheduled(desk: Desk, draft: int, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        brand.current(session).address = ""
    assert "Postal address : needs you" in desk.read(f"/owner/campaigns/{draft}")
    assert "Not scheduled. Postal address" in desk.told(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    assert found(runtime, draft).state is CampaignState.DRAFT


def test_a_text_that_needs_a_guide_is_refused_as_a_campaign(desk: Desk, draft: int, article: int) -> None:
    text = {"title": "On walking", "subject": "S", "body": "[guide]({{ guide_pdf }})", "base": "1"}
    assert desk.post(f"/owner/articles/{article}/edit", **text).status_code == 200
    assert "only there in the series that follows a guide" in desk.read(f"/owner/campaigns/{draft}")
    assert "Not scheduled. Text" in desk.told(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")


def test_a_warning_wants_a_tick_and_a_block_cannot_be_ticked_away(desk: Desk, draft: int, article: int) -> None:
    text = {"title": "On walking", "subject": "S", "body": "Hi {name}", "base": "1"}
    desk.post(f"/owner/articles/{article}/edit", **text)
    path = f"/owner/campaigns/{draft}"
    assert "Left over : may not be meant so {name}" in desk.read(path) and 'name="accept"' in desk.get(path)
    asked = desk.post(f"{path}/schedule", when="now")
    assert asked.status_code == 422 and "tick this if it is meant so" in asked.text
    assert "Not scheduled" not in desk.told(f"{path}/schedule", when="now", accept="y")
    assert "It goes out" in desk.read(path)
    desk.post(f"/owner/articles/{article}/edit", **{**text, "body": "![x](/static/img/no.png)", "base": "2"})
    assert "Not scheduled. Pictures" in desk.told(f"{path}/schedule", when="now", accept="y")


def test_a_time_is_the_owners_local_time_and_shown_both_ways(desk: Desk, draft: int, runtime: Runtime) -> None:
    words = desk.told(f"/owner/campaigns/{draft}/schedule", accept="y", when="at", day="2026-06-02", clock="09:00")
    assert "It goes out Tue 2 Jun 2026, 09:00 BST (Tue 2 Jun 2026, 08:00 UTC)" in words
    assert found(runtime, draft).scheduled_at == datetime(2026, 6, 2, 8, tzinfo=UTC)


def test_another_zone_another_instant(desk: Desk, draft: int, runtime: Runtime) -> None:
    desk.post("/owner/settings/zone", zone="America/New_York")
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="at", day="2026-06-02", clock="09:00")
    assert found(runtime, draft).scheduled_at == datetime(2026, 6, 2, 13, tzinfo=UTC)
    assert found(runtime, draft).zone == "America/New_York"


@pytest.mark.parametrize(
    ("day", "hour", "word"),
    [
        ("2027-03-28", "01:30", "does not exist in Europe/London"),
        ("2026-05-31", "09:00", "That time has passed"),
        ("2126-06-02", "09:00", "more than two years away"),
        ("9999-12-31", "23:59", "more than two years away"),
        ("", "09:00", "Choose a date and a time"),
        ("2026-06-02", "", "Choose a date and a time"),
        ("soon", "09:00", "Not a valid date value"),
    ],
)
def test_a_time_that_cannot_be_is_told(
    desk: Desk, draft: int, runtime: Runtime, day: str, hour: str, word: str
) -> None:
    answer = desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="at", day=day, clock=hour)
    assert answer.status_code == 422
    assert word in readable(answer.text)
    assert found(runtime, draft).state is CampaignState.DRAFT


def test_of_an_hour_that_happens_twice_the_first_is_taken(desk: Desk, draft: int, runtime: Runtime) -> None:
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="at", day="2026-10-25", clock="01:30")
    assert found(runtime, draft).scheduled_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_scheduling_twice_shows_the_state_and_sends_once(
    desk: Desk, draft: int, runtime: Runtime, sent: SentList
) -> None:
    path = f"/owner/campaigns/{draft}/schedule"
    assert desk.post(path, when="now", accept="y").status_code == 200
    assert desk.post(path, when="now", accept="y").status_code == 200
    launch(runtime)
    third = desk.post(path, when="now", accept="y")
    assert third.status_code == 200
    assert "It is sent already" in readable(third.text)
    assert sorted(one.recipient for one in sent.envelopes) == ["jane@example.com", "joe@example.com"]


def test_unscheduling_makes_it_a_draft_again(desk: Desk, draft: int, runtime: Runtime) -> None:
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="at", day="2026-06-02", clock="09:00")
    assert "It is a draft again" in desk.told(f"/owner/campaigns/{draft}/unschedule")
    assert "Only a scheduled campaign" in desk.told(f"/owner/campaigns/{draft}/unschedule")
    assert found(runtime, draft).scheduled_at is None


def test_what_is_sent_now_can_be_undone_for_some_seconds(
    desk: Desk, draft: int, runtime: Runtime, clock: FixedClock, sent: SentList
) -> None:
    assert "Send to 2 people" in desk.read(f"/owner/campaigns/{draft}")
    assert "It goes out in 10 seconds" in desk.told(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    clock.forward(timedelta(seconds=4))
    page = desk.read(f"/owner/campaigns/{draft}")
    assert "It goes out in 6 seconds" in page and "Undo" in page
    with runtime.database.transaction() as session:
        assert campaigns.launch_due(session, runtime.clock.now()) == []
    assert "It is a draft again; nothing has left." in desk.told(f"/owner/campaigns/{draft}/unschedule")
    launch(runtime)
    assert sent.envelopes == []
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    launch(runtime)
    assert len(sent.envelopes) == 2
    assert "Only a scheduled campaign" in desk.told(f"/owner/campaigns/{draft}/unschedule")


def test_pausing_holds_the_rest_and_resuming_sends_it(desk: Desk, draft: int, runtime: Runtime, sent: SentList) -> None:
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    launch(runtime, deliver=False)
    assert "Paused." in desk.told(f"/owner/campaigns/{draft}/pause")
    launch(runtime)
    assert sent.envelopes == []
    assert "Only a campaign that is going out can be paused" in desk.told(f"/owner/campaigns/{draft}/pause")
    assert "It goes on." in desk.told(f"/owner/campaigns/{draft}/resume")
    launch(runtime)
    assert len(sent.envelopes) == 2
    assert "sent" in desk.read(f"/owner/campaigns/{draft}")


def test_cancelling_asks_first_and_calls_off_what_has_not_left(
    desk: Desk, draft: int, runtime: Runtime, sent: SentList
) -> None:
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    launch(runtime, deliver=False)
    assert "2 would not get it" in desk.read(f"/owner/campaigns/{draft}/cancel")
    assert found(runtime, draft).state is CampaignState.SENDING
    assert "What was sent stays sent" in desk.told(f"/owner/campaigns/{draft}/cancel")
    assert "nothing left to cancel" in desk.told(f"/owner/campaigns/{draft}/cancel")
    launch(runtime)
    assert sent.envelopes == []
    progress = desk.client.get(f"/owner/campaigns/{draft}/progress.json").get_json()
    assert (progress["percent"], progress["done"], progress["cancelled"]) == (0, 0, 2)  # and not "100 %, 2 of 2 people"


def test_progress_counts_people_and_says_how_long_it_takes(
    desk: Desk, draft: int, runtime: Runtime, clock: FixedClock
) -> None:
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    launch(runtime, deliver=False)
    with runtime.database.transaction() as session:
        first = session.scalars(select(Message).where(Message.dispatch_id.is_not(None)).order_by(Message.id)).first()
        assert first is not None
        first.state = State.SENT
        session.flush()
        invalidate(session, [first.id])
    clock.forward(timedelta(seconds=10) + UNDO)
    answer = desk.client.get(f"/owner/campaigns/{draft}/progress.json")
    now = answer.json
    assert now is not None
    assert (now["state"], now["total"], now["done"], now["sent"], now["waiting"]) == ("sending", 2, 1, 1, 1)
    assert (now["percent"], now["per_second"], now["time_left"]) == (50, 0.1, "10 s")
    assert answer.headers["Cache-Control"] == "no-store"
    page = desk.get(f"/owner/campaigns/{draft}")
    assert '<noscript><meta http-equiv="refresh"' in page
    assert f'data-watch="/owner/campaigns/{draft}/progress.json"' in page


def test_each_recipient_has_state_time_and_the_servers_words(
    desk: Desk, draft: int, runtime: Runtime, sent: SentList
) -> None:
    answering(sent, Stage.LOST_AFTER, 0, "", "The line went dead <after> the dot")
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    launch(runtime)
    words = desk.read(f"/owner/campaigns/{draft}/recipients?state=uncertain")
    assert "jane@example.com Jane uncertain just now The line went dead <after> the dot" in words
    assert "knowing it may arrive twice" in words
    assert "Nobody is in this state" in desk.read(f"/owner/campaigns/{draft}/recipients?state=sent")


def test_recipients_go_on_by_number(desk: Desk, draft: int, runtime: Runtime, person: Callable[..., int]) -> None:
    for number in range(60):
        person(f"p{number:02}@example.com")
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    launch(runtime)
    first = desk.get(f"/owner/campaigns/{draft}/recipients")
    with runtime.database.reading() as session:
        fiftieth = session.scalars(select(Message.id).order_by(Message.id).offset(49)).first()
        total = session.scalar(select(func.count()).select_from(Message))
    assert total == 62
    assert "p47@example.com" in first
    assert "p48@example.com" not in first
    assert f"after={fiftieth}" in first
    assert "p48@example.com" in desk.get(f"/owner/campaigns/{draft}/recipients?after={fiftieth}")


def test_the_list_shows_state_and_numbers(desk: Desk, draft: int, runtime: Runtime) -> None:
    desk.post(f"/owner/campaigns/{draft}/schedule", accept="y", when="now")
    launch(runtime)
    words = desk.read("/owner/write?kind=campaign")
    assert (
        "On walking sent Sent on 1 Jun 2026: 2 accepted" in words and "To everybody who takes the newsletter." in words
    )
