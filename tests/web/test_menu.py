"""The site's menu: topics below "Articles", only those with something to read, by keyboard and on a narrow phone."""

import re

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select, update

from newsletter import articles, topics
from newsletter.articles import Article
from newsletter.runtime import Runtime
from newsletter.topics import Topic
from tests import chromium
from tests.conftest import NOON
from tests.web.conftest import Visitor
from tests.web.owner.conftest import owner
from tests.web.owner.test_browser import found_by_axe, site

__all__ = ["owner", "site"]
LINK = re.compile(r'<li><a href="/topics/([a-z-]+)"( aria-current="page")?>([^<]+)</a></li>')


def menu(page: str) -> list[tuple[str, bool]]:
    """The topics in it, and which of them is open."""
    (found,) = re.findall(r'<nav aria-label="Main">.*?</nav>', page, re.DOTALL)
    return [(name, bool(current)) for _, current, name in LINK.findall(found)]


def test_it_has_the_topics_in_the_owners_order_and_marks_the_open_one(visitor: Visitor) -> None:
    both = [("Rehabilitation", False), ("Training", False)]
    for path in ("/", "/archive", "/privacy", "/nothing-here"):
        assert menu(visitor.get(path).text) == both, path
    page = visitor.get("/topics/training").text
    assert menu(page) == [both[0], ("Training", True)]
    assert '<a href="/archive" aria-current="true">Articles</a>' in page and page.count('aria-current="page"') == 2
    assert '<a href="/archive" aria-current="page">Articles</a>' in visitor.get("/archive").text


def test_it_has_no_topic_that_leads_to_an_empty_page(visitor: Visitor, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        topics.add(session, "Nothing yet", NOON)
        training = session.scalars(select(Topic).where(Topic.slug == "training")).one()
        of_it = update(Article).where(Article.topic_id == training.id)
        session.execute(of_it.values(published_at=NOON.replace(year=NOON.year + 1)))
    assert menu(visitor.get("/").text) == [("Rehabilitation", False)]
    with runtime.database.transaction() as session:
        session.execute(of_it.values(published_at=NOON))
        session.get_one(Topic, training.id).archive(NOON)
    assert menu(visitor.get("/").text) == [("Rehabilitation", False)], "an archived one is offered to nobody"
    with runtime.database.transaction() as session:
        session.execute(update(Article).values(published_at=None))
    page = visitor.get("/").text
    assert menu(page) == [] and "<details" not in page


@pytest.mark.real
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (320, "light")])
@pytest.mark.parametrize("scripts", [True, False])
def test_it_opens_by_the_keyboard_and_is_never_wider_than_the_window(
    browser: Browser, site: str, runtime: Runtime, width: int, scheme: str, scripts: bool
) -> None:
    with runtime.database.transaction() as session:
        for name in ("W" * 40, "Sleep, and what else helps you to recover"[:40]):
            made = topics.add(session, name, NOON)
            article = articles.write(session, NOON, title=name, subject="S", body="Words.")
            article.topic, article.published_at = made, NOON
    context = browser.new_context(
        viewport={"width": width, "height": 700}, color_scheme=scheme, java_script_enabled=scripts
    )
    page = context.new_page()
    page.goto(f"{site}/archive")
    opener, last = page.locator(".site-header summary"), page.locator(".site-header details a").last
    expect(last).to_be_hidden()
    opener.press("Enter")
    expect(last).to_be_visible()
    for link in page.locator(".site-header details a").all():
        box = link.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    if scripts:
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert found_by_axe(page) == "[]"
        opener.press("Escape")
        expect(last).to_be_hidden()
        expect(opener).to_be_focused()
        opener.press("Enter")
        page.mouse.click(3, 650)
        expect(last).to_be_hidden()
        opener.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/topics/rehabilitation")
    context.close()
