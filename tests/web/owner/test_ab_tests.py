"""An A/B test as its owner makes, watches and ends it: on the pages, by forms."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter import articles, jobs
from newsletter.accounts import AuditEntry
from newsletter.articles import Article
from newsletter.campaigns import ABTest, Campaign, CampaignState, Compares, Judge, Phase
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Lane, Message
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Stream
from tests.campaigns.conftest import Stage, people
from tests.clicking import BODY, count_clicks
from tests.web.owner.conftest import Desk

TEST = {
    "audience": "", "compares": "subject", "ab_subject": "The other", "share": "40", "length": "4", "unit": "hours",
    "judge": "clicks", "if_close": "wait",
}  # fmt: skip


@pytest.fixture
def golf(runtime: Runtime) -> int:
    """An article with links, for a hundred readers, with clicks counted."""
    people(runtime, 100)
    count_clicks(runtime)
    with runtime.database.transaction() as session:
        return articles.write(session, runtime.clock.now(), title="Golf", subject="Golf", body=BODY).id


@pytest.fixture
def made(desk: Desk, golf: int, runtime: Runtime, clock: FixedClock, sent: SentList) -> Stage:
    """The draft of a test that was asked for on the page of a new campaign."""
    page = desk.post("/owner/campaigns/new", article=golf, **TEST)
    assert page.status_code == 200
    stage = Stage(runtime, clock, sent, int(page.request.path.rsplit("/", 1)[1]))
    stage.draw()
    return stage


def _go(desk: Desk, it: Stage) -> None:
    assert "It goes out in 10 seconds" in desk.told(f"/owner/campaigns/{it.a}/schedule", when="now", accept="y")
    it.clock.forward(timedelta(seconds=10))
    it.beat()


def _noted(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return [one for one in session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)) if "A/B" in one]


def test_the_way_of_a_test_by_clicks(desk: Desk, made: Stage, runtime: Runtime) -> None:
    path = f"/owner/campaigns/{made.a}"
    words = desk.read(path)
    assert "A: Subject : in order Golf" in words and "B: Subject : in order The other" in words
    assert "100 will get it." in words and re.search(r"A goes to \d\d and B to \d\d people who are drawn by lot", words)
    assert "If 5% of" in words and "before that is more than chance" in words
    assert "40% of the audience is drawn by lot: half of them get A, half B. 4 hours after both have gone out" in words
    assert "If that is too close to tell, it waits for your press." in words and "Start the test with" in words
    _go(desk, made)
    words = desk.read(path)
    assert "Both have gone out. The clicks say what wins on Mon 1 Jun 2026, 16:00 BST" in words
    assert "Too few to tell: fewer than 10 people have followed a link." in words
    made.click(made.test().b_id, 15)
    assert "B is ahead by more than chance explains: by" in desk.read(path)
    made.end()
    words = desk.read(path)
    assert "B was chosen by the clicks, just now ." in words and "“The other” sent" in words
    assert "Together 100 0 0 0 0 15 15%" in words
    rest = desk.read(f"/owner/campaigns/{made.test().rest_id}")
    assert "It is a part of the A/B test of “Golf”" in rest and "drawn for neither A nor B" in rest
    assert "A/B test: the rest" in desk.read("/owner/write?kind=campaign") and "A/B test: B" in desk.read(
        "/owner/results"
    )
    assert _noted(runtime) == ["A/B test drafted", "A/B test decided"]


def test_by_hand_with_undo_and_the_other_one(desk: Desk, golf: int, runtime: Runtime, made: Stage) -> None:
    path = f"/owner/campaigns/{made.a}"
    desk.post(f"{path}/test", **TEST | {"judge": "hand"})
    _go(desk, made)
    made.end()
    assert "waits for you. Its time is over: choose what goes to the rest." in desk.read(path)
    assert "An A/B test waits for you" in desk.read("/owner/")
    assert "B goes to the rest in 10 seconds" in desk.told(f"{path}/test/choose", part="b")
    assert "An A/B test waits for you" not in desk.read("/owner/")
    rest = f"/owner/campaigns/{made.test().rest_id}"
    assert "B is chosen already" in desk.told(f"{path}/test/choose", part="b")
    assert "It is a draft again" in desk.told(f"{rest}/unschedule")
    assert "A goes to the rest in 10 seconds" in desk.told(f"{path}/test/choose", part="a")
    assert made.test().rest_id == int(rest.rsplit("/", 1)[1])
    made.clock.forward(timedelta(seconds=10))
    made.beat()
    assert "A goes to the rest already, once and no more." in desk.told(f"{path}/test/choose", part="b")
    assert len([one for one in made.sent.envelopes if "p1" in one.recipient]) == 100
    assert desk.post(f"{path}/test/choose", part="c").status_code == 404


def test_the_owner_is_told_by_mail_that_it_waits(desk: Desk, made: Stage, runtime: Runtime) -> None:
    _go(desk, made)
    made.end()
    made.end()
    with runtime.database.reading() as session:
        notices = session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).all()
        assert [one.context["title"] for one in notices if one.context] == ["Your A/B test of “Golf” waits for you"]
    runtime.delivery.run(Lane.TRANSACTIONAL)
    assert b"/owner/campaigns/" in made.sent.envelopes[-1].data


def test_the_same_form_twice_finds_the_draft(desk: Desk, made: Stage, golf: int) -> None:
    again = desk.post("/owner/campaigns/new", article=golf, **TEST)
    assert again.request.path == f"/owner/campaigns/{made.a}"
    other = desk.post("/owner/campaigns/new", article=golf, **TEST | {"share": "50"})
    plain = desk.post("/owner/campaigns/new", article=golf, audience="")
    assert len({one.request.path for one in (again, other, plain)}) == 3
    assert desk.post("/owner/campaigns/new", article=golf, audience="").request.path == plain.request.path


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"share": "0"}, "Give a share from 2 to 90 percent."),
        ({"share": "100"}, "Give a share from 2 to 90 percent."),
        ({"share": ""}, "Give a share from 2 to 90 percent."),
        ({"share": "9" * 400}, "Give a share from 2 to 90 percent."),
        ({"share": "half"}, "Not a valid integer value."),
        ({"length": "0"}, "Give a time from 1 hour to 14 days."),
        ({"length": "365", "unit": "days"}, "Give a time from 1 hour to 14 days."),
        ({"length": "-1"}, "Give a time from 1 hour to 14 days."),
        ({"ab_subject": ""}, "Write the other subject."),
        ({"ab_subject": " gOLF ", "ab_preheader": ""}, "That is the subject of A."),
        ({"ab_subject": "x" * 201}, "longer than 200"),
        ({"compares": ""}, "You have named a B: choose what to test"),
        ({"compares": "article"}, "Choose the other article."),
        ({"compares": "nothing"}, "Not a valid choice"),
        ({"judge": "coin"}, "Not a valid choice"),
        ({"unit": "years"}, "Not a valid choice"),
        ({"compares": "article", "ab_article": "999999"}, "Not a valid choice"),
    ],
)
def test_what_is_no_test_is_told_and_nothing_typed_is_lost(
    desk: Desk, golf: int, runtime: Runtime, wrong: dict[str, str], told: str
) -> None:
    answer = desk.post("/owner/campaigns/new", article=golf, **{**TEST, "ab_preheader": "Kept", **wrong})
    assert answer.status_code == 422 and told in answer.text
    assert 'value="Kept"' in answer.text or "ab_preheader" in wrong
    assert "<details" in answer.text and " open>" in answer.text
    with runtime.database.reading() as session:
        assert session.scalars(select(ABTest)).all() == []


def test_an_article_against_itself_its_copy_or_another_topic(desk: Desk, golf: int, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        copy = articles.write(session, now, title="Copy", subject="Golf", body=BODY).id
        about = session.scalars(select(Article).where(Article.topic_id.is_not(None))).first()
        assert about is not None
        topical = about.id
    both = TEST | {"compares": "article"}
    for other, told in ((golf, "are the same"), (copy, "are the same"), (topical, "about the same topic")):
        assert told in desk.told("/owner/campaigns/new", article=golf, **both, ab_article=str(other))


def test_without_clicks_only_by_hand_and_the_page_says_why(desk: Desk, golf: int, runtime: Runtime) -> None:
    count_clicks(runtime, False)
    page = desk.get("/owner/campaigns/new")
    assert re.search(r'<input class="form-check-input" disabled id="judge-0"[^>]*value="clicks"', page)
    assert "so they cannot say what wins" in page
    assert "Clicks are not counted, so" in desk.told("/owner/campaigns/new", article=golf, **TEST)
    words = desk.told("/owner/campaigns/new", article=golf, **TEST | {"judge": "hand"})
    assert "you are asked what goes to all others" in words and "What clicks can tell" not in words


def test_switched_off_between_the_draft_and_its_time(desk: Desk, made: Stage, runtime: Runtime) -> None:
    count_clicks(runtime, False)
    path = f"/owner/campaigns/{made.a}"
    assert "Clicks : needs you Clicks are not counted" in desk.read(path)
    assert "Not scheduled. Clicks" in desk.told(f"{path}/schedule", accept="y", when="now")


def test_a_text_without_links_cannot_be_judged_by_clicks(desk: Desk, made: Stage, golf: int) -> None:
    text = {"title": "Golf", "subject": "Golf", "body": "No links.", "base": "1"}
    desk.post(f"/owner/articles/{golf}/edit", **text)
    assert "There is no link in A and B whose clicks are counted" in desk.read(f"/owner/campaigns/{made.a}")


def test_too_few_people(desk: Desk, runtime: Runtime) -> None:
    people(runtime, 3)
    with runtime.database.transaction() as session:
        article = articles.write(session, runtime.clock.now(), title="Golf", subject="Golf", body=BODY).id
    made = desk.post("/owner/campaigns/new", article=article, **TEST | {"judge": "hand", "share": "2"})
    with runtime.database.transaction() as session:
        session.execute(update(Campaign).where(Campaign.part.is_not(None)).values(lot=1))
    assert "these are too few people for a test" in desk.read(made.request.path)
    assert "Not scheduled. A/B test" in desk.told(f"{made.request.path}/schedule", accept="y", when="now")


def test_changed_and_withdrawn_before_it_goes(desk: Desk, made: Stage, runtime: Runtime) -> None:
    path = f"/owner/campaigns/{made.a}"
    form = desk.get(f"{path}/test")
    assert 'value="The other"' in form and 'value="40"' in form
    desk.post(f"{path}/schedule", when="at", day="2026-06-02", clock="09:00", accept="y")
    told = desk.told(f"{path}/test", **TEST | {"ab_subject": "A third", "share": "50", "length": "2", "unit": "days"})
    assert "The test is changed." in told and "“A third”" in told and "50% of the audience" in told
    assert "2 days after both have gone out" in told and "It goes out Tue 2 Jun 2026" in told
    b = made.test().b_id
    assert "No test: it goes to everybody as it is." in desk.told(f"{path}/test", compares="")
    assert "Schedule for 100 people" in desk.read(path)
    made.clock.forward(timedelta(days=1))
    made.beat()
    assert len(made.sent.envelopes) == 100 and {one.data.count(b"Subject: Golf") for one in made.sent.envelopes} == {1}
    with runtime.database.reading() as session:
        assert session.get_one(Campaign, b).stored_state is CampaignState.CANCELLED
        assert session.scalars(select(ABTest)).all() == []
    assert _noted(runtime) == ["A/B test drafted", "A/B test changed", "A/B test withdrawn"]


def test_a_draft_becomes_a_test_on_its_own_page(desk: Desk, golf: int, runtime: Runtime) -> None:
    path = desk.post("/owner/campaigns/new", article=golf, audience="").request.path
    assert "Test two subjects, or two articles, first" in desk.read(path)
    assert '<label class="form-label" for="length">How long it runs' in desk.get(f"{path}/test")
    assert "This is the draft of the test." in desk.told(f"{path}/test", **TEST)
    assert desk.post(f"{path}/test", **TEST | {"share": "1"}).status_code == 422


def test_b_is_shown_with_a_and_every_button_does_both(desk: Desk, made: Stage, runtime: Runtime) -> None:
    b = f"/owner/campaigns/{made.test().b_id}"
    assert desk.client.get(b).headers["Location"].endswith(f"/owner/campaigns/{made.a}")
    desk.post(f"/owner/campaigns/{made.a}/schedule", when="at", day="2026-06-02", clock="09:00", accept="y")
    assert {one.state for one in made.test().both} == {CampaignState.SCHEDULED}
    desk.post(f"{b}/unschedule")
    assert {one.state for one in made.test().both} == {CampaignState.DRAFT}
    assert "both are cancelled" in desk.read(f"{b}/cancel")
    desk.post(f"{b}/cancel")
    assert {one.state for one in made.test().both} == {CampaignState.CANCELLED}
    assert made.test().phase is Phase.STOPPED


def test_stopping_wants_a_tick(desk: Desk, made: Stage) -> None:
    _go(desk, made)
    path = f"/owner/campaigns/{made.a}/test/stop"
    assert "tick the box" in desk.told(path) and made.test().phase is Phase.RUNNING
    assert "The test is stopped." in desk.told(path, sure="yes")
    assert "stopped already" in desk.told(path, sure="yes")
    assert "was stopped, and the rest gets nothing" in desk.told(f"/owner/campaigns/{made.a}/test/choose", part="a")


def test_a_campaign_without_a_test_has_none_of_its_pages(desk: Desk, golf: int) -> None:
    path = desk.post("/owner/campaigns/new", article=golf, audience="").request.path
    assert desk.post(f"{path}/test/choose", part="a").status_code == 404
    assert desk.post(f"{path}/test/stop", sure="yes").status_code == 404


def test_a_dispatch_of_its_own_for_each(made: Stage, desk: Desk, runtime: Runtime) -> None:
    _go(desk, made)
    jobs.launch_campaigns(runtime, lambda: False, lambda: None)
    test = made.test()
    assert (test.compares, test.judge) == (Compares.SUBJECT, Judge.CLICKS)
    assert len({one.dispatch_id for one in test.both}) == 2
