"""A guide's own page in a browser: put together beside its preview, light enough, and its form seen at once."""

import re

import pytest
from playwright.sync_api import Browser, expect

from newsletter.guides import Block, Guide, Kind, LandingPage
from newsletter.runtime import Runtime
from tests import chromium
from tests.web.owner.test_browser import found_by_axe, signed_in, site

__all__ = ["site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
PAIN = "recover-from-pain"
LONG = "W" * 200
FULL = LandingPage(
    lead="Get moving again.", for_whom="People over 40", minutes=25,
    blocks=(
        Block(kind=Kind.OUTCOMES, lines=("Know what hurts, and why", "Do something about it this week", LONG)),
        Block(kind=Kind.SAMPLES, pages=(5, 13, 15)),
        Block(kind=Kind.AUTHOR, text="Paul is a coach in **London**. " * 4),
        Block(kind=Kind.QUESTIONS, pairs=(("Is it free?", "Yes. " * 30), (LONG, "Nobody knows. " + LONG))),
        Block(kind=Kind.QUOTE, text="It helped me.\nReally.", who="Jane, 61"),
        Block(kind=Kind.TEXT, text="## More\n\n" + "Words about it. " * 900),
        Block(kind=Kind.FORM), Block(kind=Kind.LINK),
    ),
)  # fmt: skip


@pytest.fixture
def full(runtime: Runtime) -> None:
    """The first guide has a page of every part, with words too long for a line."""
    with runtime.database.transaction() as session:
        session.get_one(Guide, 1).landing = FULL.as_json()


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("size", [(390, 844), (1280, 720), (320, 640)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_light_sound_and_shows_its_form_at_once(
    browser: Browser, site: str, size: tuple[int, int], scheme: str
) -> None:
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme).new_page()
    weights: list[int] = []
    page.on("response", lambda answer: weights.append(0 if answer.request.resource_type == "image"
                                                      else len(answer.body())))  # fmt: skip
    page.goto(f"{site}/guides/{PAIN}")
    page.wait_for_load_state()
    assert sum(weights) <= 200_000, sum(weights)
    button = page.locator(f"#{PAIN}-form").get_by_role("button").bounding_box()
    assert button is not None
    assert size[0] == 320 or button["y"] + button["height"] <= size[1], button
    page.get_by_text("Is it free?").click()
    assert found_by_axe(page) == "[]"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.context.close()


@pytest.mark.usefixtures("full")
def test_the_preview_follows_and_leaving_is_asked_about(browser: Browser, site: str) -> None:
    page = signed_in(browser, site, viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    page.goto(f"{site}/owner/guides/1/page")
    phone, desk = page.frame_locator("iframe[name=phone]"), page.frame_locator("iframe[name=desk]")
    expect(phone.get_by_text("Get moving again.")).to_be_visible()
    expect(desk.get_by_text("Get moving again.")).to_be_visible()
    page.locator("#lead").fill("Something else.")
    expect(phone.get_by_text("Something else.")).to_be_visible()
    expect(desk.get_by_text("Something else.")).to_be_visible()
    page.get_by_label("What to add").select_option("quote")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url(re.compile("#part-8"))
    expect(page.locator("#lead")).to_have_value("Something else.")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_role("link", name="Back to the guides").click()
    page.wait_for_url("**/owner/guides")
    assert asked == ["beforeunload"]
    assert wrong == []
    page.context.close()
