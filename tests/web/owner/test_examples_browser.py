"""Ann has tried the product, and now it is to be hers: a story in a real browser, with axe at each page."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import chromium
from tests.web.owner.test_browser import LOOKS, found_by_axe, signed_in, site

__all__ = ["site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
WEAK = "Find the weak link before you train the strong ones"
HEAVY = "How heavy is heavy enough after 50?"


def _sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.title()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.title()


@LOOKS
def test_an_owner_keeps_what_she_has_made_hers_and_removes_the_rest(
    browser: Browser, site: str, width: int, scheme: str
) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/articles")
    page.get_by_role("link", name=WEAK, exact=True).click()
    page.get_by_role("link", name="Edit").first.click()
    page.get_by_label("Subject").fill("My own words about weak links")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    page.goto(f"{site}/owner/")
    page.get_by_role("link", name="Remove all examples").click()
    expect(page.get_by_role("heading", name="Remove the examples?")).to_be_visible()
    goes = page.get_by_role("region", name="What goes")
    stays = page.get_by_role("region", name="What stays, and why")
    expect(goes).to_contain_text(HEAVY)
    expect(goes).not_to_contain_text(WEAK)
    expect(stays.get_by_role("listitem").filter(has_text=WEAK)).to_contain_text("you have made it yours.")
    _sound(page)
    page.get_by_label("Hide them too, and close their forms").check()
    page.get_by_role("button", name="Remove the examples").dblclick()
    expect(page.get_by_role("status").filter(has_text="removed.")).to_be_visible()
    _sound(page)
    page.goto(f"{site}/owner/articles")
    expect(page.get_by_role("link", name=WEAK, exact=True)).to_be_visible()
    expect(page.get_by_text(HEAVY)).to_have_count(0)
    page.goto(f"{site}/")
    expect(page.get_by_text("FREE 21 page guide")).to_have_count(0)
    page.context.close()
