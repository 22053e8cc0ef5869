"""Search over everything: by a part of a name, an address, a title, a setting; and "/" leads to it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from newsletter import articles
from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from tests import chromium
from tests.web.owner.conftest import Desk
from tests.web.owner.test_browser import signed_in
from tests.web.owner.test_browser import site as site

FOUND = [
    ("joe", "People", "joe@example.com"), ("SMITH", "People", "jane@example.com Smith"),
    ("golf", "Articles", "Golf and the back"), ("recover", "Series", "recover"), ("footer", "Forms", "footer"),
    ("rehab", "Topics", "Rehabilitation"), ("2fa", "Pages and settings", "Second factor"),
    ("webhook", "Pages and settings", "Bounces and complaints"), ("zone", "Pages and settings", "Your time zone"),
]  # fmt: skip


@pytest.fixture
def full(runtime: Runtime, person: Callable[..., int], clock: FixedClock, desk: Desk) -> Desk:
    """An owner with two people and an article of their own."""
    person("jane@example.com", "Smith")
    person("joe@example.com", "Joe")
    with runtime.database.transaction() as session:
        articles.write(session, clock.now(), title="Golf and the back", subject="Golf", body="x")
    return desk


@pytest.mark.parametrize(("asked", "kind", "hit"), FOUND)
def test_it_finds_everything_by_a_part_of_its_name(full: Desk, asked: str, kind: str, hit: str) -> None:
    words = full.read(f"/owner/search?q={asked}").lower()
    assert kind.lower() in words and hit.lower() in words.partition(kind.lower())[2]


def test_what_it_finds_can_be_opened(full: Desk) -> None:
    page = full.get("/owner/search?q=a")
    main = page[page.index('<main id="main"') :]
    links = set(re.findall(r'href="(/owner/[^"#]*)', main))
    assert len(links) > 15
    for link in links - {"/owner/mails"}:
        assert full.client.get(link.replace("&amp;", "&"), follow_redirects=True).status_code == 200, link


def test_nothing_asked_and_nothing_found_are_told(full: Desk) -> None:
    assert "Type a part of an address" in full.read("/owner/search")
    assert "Nothing found" in full.read("/owner/search?q=%25")
    page = full.get("/owner/search?q=<script>x")
    assert "&lt;script&gt;x" in page and "<script>x" not in page


@pytest.mark.real
@pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine")
@pytest.mark.sqlite_only
@pytest.mark.parametrize("width", [1280, 375])
def test_the_key_leads_to_the_box_from_any_page_until_it_is_switched_off(
    browser: Browser, site: str, full: Desk, width: int
) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900})
    page.keyboard.press("/")
    box = page.get_by_label("Search everything")
    expect(box).to_be_focused()
    page.keyboard.type("a/golf")
    expect(box).to_have_value("a/golf")
    box.fill("golf")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Golf and the back").first.click()
    page.goto(f"{site}/owner/search")
    page.get_by_role("button", name="Switch the key off").click()
    expect(page.get_by_role("button", name="Switch the key off")).to_have_attribute("aria-pressed", "true")
    page.goto(f"{site}/owner/articles")
    page.keyboard.press("/")
    expect(page.get_by_label("Search everything")).not_to_be_focused()
    page.context.close()
