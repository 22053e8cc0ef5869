"""A visitor looks at the sample pages of a guide: a press opens one larger, to read it."""

import pytest
from playwright.sync_api import Browser, expect

from tests import chromium
from tests.web.conftest import FIFTY, PAIN
from tests.web.owner.conftest import owner
from tests.web.owner.test_browser import found_by_axe, site

__all__ = ["owner", "site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_a_sample_page_opens_larger_is_leafed_through_and_closes_where_it_was_opened(
    browser: Browser, site: str, width: int, scheme: str
) -> None:
    page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "-1200.webp" in one.url else None)
    page.goto(f"{site}/guides/{PAIN}")
    second = page.get_by_role("link", name="Page 13 of the guide, as a picture")
    second.scroll_into_view_if_needed()
    assert asked == [], "nothing large travels before somebody wants it"
    second.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="A look inside")
    picture = dialog.get_by_role("img", name="Page 13 of the guide, as a picture")
    expect(picture).to_have_js_property("naturalWidth", 1200)
    expect(dialog.get_by_text("Page 13")).to_be_visible()
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    place = dialog.bounding_box()
    assert place and place["x"] >= 0 and place["x"] + place["width"] <= width and place["height"] <= 800
    assert found_by_axe(page) == "[]"
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("img", name="Page 15 of the guide, as a picture")).to_be_visible()
    dialog.get_by_role("button", name="Next page").click()
    expect(dialog.get_by_role("img", name="Page 5 of the guide, as a picture")).to_be_visible()
    dialog.get_by_role("button", name="Previous page").click()
    expect(dialog.get_by_role("img", name="Page 15 of the guide, as a picture")).to_be_visible()
    assert len(dialog.get_by_role("img").all()) == 1
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(second).to_be_focused()
    page.context.close()
    assert wrong == []


def test_without_a_script_the_press_leads_to_the_picture(browser: Browser, site: str) -> None:
    page = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 800}).new_page()
    page.goto(f"{site}/guides/{FIFTY}")
    expect(page.locator("dialog")).to_be_hidden()
    with page.expect_response("**/pages/7-1200.webp**") as got:
        page.get_by_role("link", name="Page 7 of the guide, as a picture").click()
    assert got.value.headers["content-type"] == "image/webp"
    assert got.value.headers["cache-control"] == "public, max-age=31536000, immutable"
    page.context.close()
