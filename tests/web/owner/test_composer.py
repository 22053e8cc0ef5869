"""The composer's page: what two people write at once is shown to both, and what can be put into a text."""

import html
import re

import pytest

from newsletter import accounts, articles
from newsletter.articles import Article
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
