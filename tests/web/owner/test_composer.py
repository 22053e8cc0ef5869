"""The composer's page: what two people write at once is shown to both, and what can be put into a text."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest

from newsletter import accounts, articles, campaigns
from newsletter.articles import Article
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Lane
from newsletter.mail.render import Content
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.web.owner.conftest import PASSWORD, Desk, readable
from tests.web.owner.test_articles import TEXT, revisions


def named(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


@pytest.fixture
def overtaken(runtime: Runtime, article: int) -> int:
    """An article that Ann has saved since Paula opened it."""
    with runtime.database.transaction() as session:
        ann = accounts.create(session, "ann@example.org", PASSWORD, NOON)
        words = session.get_one(Article, article)
        words.revise(NOON, subject="Hers", preheader="", by=ann.id,
                     body="{{ greeting }},\n\nwalk **much more**. <b>[Your page]({{ library_url }})\n")  # fmt: skip
    return article


def test_the_second_save_shows_both_and_saves_nothing(desk: Desk, runtime: Runtime, overtaken: int) -> None:
    answer = desk.post(f"/owner/articles/{overtaken}/edit", **TEXT, base="1", sitting="a" * 20)
    assert answer.status_code == 422
    assert "changed in another window" in answer.text
    assert "by ann@example.org" in answer.text
    assert "much " in re.sub(r"(?s).*?<ins>(.*?)</ins>.*", r"\1", answer.text)
    assert "&lt;b&gt;[Your page]" in answer.text
    assert "Sleep.</textarea>" in answer.text
    assert named(answer.text, "sitting") == "a" * 20
    assert len(revisions(runtime, overtaken)) == 2
    assert desk.post(f"/owner/articles/{overtaken}/edit", **TEXT, base=named(answer.text, "base")).status_code == 200
    assert revisions(runtime, overtaken)[-1] == "Hello.\n\nSleep."


def test_a_title_that_was_changed_there_alone_is_taken_over(desk: Desk, runtime: Runtime, article: int) -> None:
    with runtime.database.transaction() as session:
        session.get_one(Article, article).title = "Theirs"
    desk.post(f"/owner/articles/{article}/edit", **{**TEXT, "title": "On walking"}, base="1", named="On walking")
    with runtime.database.reading() as session:
        assert session.get_one(Article, article).title == "Theirs"
        assert session.get_one(Article, article).current.body == "Hello.\n\nSleep."


def test_a_title_that_both_changed_is_shown_and_not_written_over(desk: Desk, runtime: Runtime, article: int) -> None:
    with runtime.database.transaction() as session:
        session.get_one(Article, article).title = "Theirs"
    answer = desk.post(f"/owner/articles/{article}/edit", **TEXT, base="1", named="On walking")
    assert answer.status_code == 422
    assert "The article is called “Theirs” there." in readable(answer.text)
    assert len(revisions(runtime, article)) == 1
    desk.post(f"/owner/articles/{article}/edit", **TEXT, base="1", named=named(answer.text, "named"))
    with runtime.database.reading() as session:
        assert session.get_one(Article, article).title == "On sleep"


def test_every_card_it_offers_can_be_a_mail(desk: Desk, runtime: Runtime, article: int) -> None:
    with runtime.database.transaction() as session:
        hostile = articles.write(session, NOON, title='A "card" [x](javascript:1) ::: {{ 7*7 }} <b>', subject="S",
                                 preheader="Pre *x*", body="B")  # fmt: skip
        hostile.publish(NOON)
    page = desk.get("/owner/articles/new")
    codes = [html.unescape(one) for one in re.findall(r'<option value="(::: card[^"]*)"', page)]
    assert len(codes) >= 3
    for code in codes:
        words = Content("S", "", code)
        assert runtime.renderer.problem(words) == ""
        made = runtime.renderer.compiled(words)
        assert made.written.html.count('<table class="card"') == 1
        assert made.written.html.count('<table class="button"') == 1
        assert len(made.written.links) == 1
        assert made.written.links[0].startswith(runtime.renderer.site)


def test_without_a_script_all_that_can_be_put_in_stands_there_to_copy(desk: Desk) -> None:
    page = desk.get("/owner/articles/new")
    assert "::: card" in page
    assert '[Book a talk](https://… "button")' in page
    assert 'role="toolbar" aria-label="Put into the text" aria-controls="body" hidden' in page
    assert 'formtarget="look"' in page


def test_a_scheduled_campaign_says_that_its_article_was_changed_and_the_editor_that_it_will_go(
    desk: Desk, runtime: Runtime, article: int
) -> None:
    made = desk.post("/owner/campaigns/new", article=article, audience="").request.path
    assert "goes out" not in desk.read(f"/owner/articles/{article}/edit")
    desk.post(f"{made}/schedule", accept="y", when="at", day="2026-06-05", clock="09:00")
    assert "goes out Fri 5 Jun 2026, 09:00 BST" in desk.read(f"/owner/articles/{article}/edit")
    assert "was changed since" not in desk.read(made)
    desk.post("/owner/articles/draft", article=article, base="1", sitting="a" * 20, body="Typed.")
    assert "was changed since" not in desk.read(made)
    desk.post(f"/owner/articles/{article}/edit", **TEXT, base="1")
    assert "it had version 1, and goes out in version 2" in desk.read(made)
    assert f"/owner/articles/{article}/versions/2?against=1" in desk.get(made)
    desk.post(f"{made}/schedule", accept="y", when="at", day="2026-06-06", clock="09:00")
    assert "was changed since" not in desk.read(made)


def test_a_draft_changes_nothing_that_a_scheduled_campaign_sends(
    desk: Desk,
    runtime: Runtime,
    clock: FixedClock,
    article: int,
    person: Callable[..., int],
    inbox: Callable[[str], list[EmailMessage]],
) -> None:
    person("jane@example.com", "Jane")
    made = desk.post("/owner/campaigns/new", article=article, audience="").request.path
    desk.post(f"{made}/schedule", accept="y", when="now")
    kept = desk.client.post(
        "/owner/articles/draft", headers={"Accept": "application/json"},
        data={"csrf_token": desk.token, "article": article, "base": "1", "sitting": "a" * 20, "body": "Half a sent"},
    )  # fmt: skip
    assert kept.get_json()["kept"]
    clock.forward(timedelta(minutes=1))
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, runtime.clock.now())
    with runtime.database.transaction() as session:
        campaigns.fill_next(session, runtime.clock.now())
    runtime.delivery.run(Lane.BULK)
    (mail,) = inbox("jane@example.com")
    part = mail.get_body(("plain",))
    assert part is not None
    assert "walk more" in part.get_content()
    assert "Half a sent" not in part.get_content()
