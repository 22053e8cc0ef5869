"""Paula writes, looks after her list and looks back: stories in a real browser, with axe at each page."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from tests import chromium
from tests.journey.acts import sign_up
from tests.web.owner.test_browser import LOOKS, found_by_axe, signed_in, site

__all__ = ["site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
TITLE = "Why I walk before breakfast"


def _sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.title()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.title()


@LOOKS
def test_i_write_an_article_and_the_list_leads_me_step_by_step_until_it_is_planned(
    browser: Browser, site: str, width: int, scheme: str
) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/write")
    page.get_by_role("link", name="New article").click()
    page.get_by_label("Title", exact=True).fill(TITLE)
    page.get_by_label("Subject", exact=True).fill("A walk")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    page.goto(f"{site}/owner/write")
    row = page.get_by_role("row").filter(has_text=TITLE)
    expect(row).to_contain_text("An article that is in no campaign and no series yet")
    _sound(page)
    row.get_by_role("link", name="Send it…").click()
    page.get_by_role("button", name="Go on: check it").click()
    page.goto(f"{site}/owner/write?state=draft")
    expect(row).to_contain_text("A draft: nothing is planned. It would go to 0 people.")
    row.get_by_role("link", name="Check and send").click()
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    page.goto(f"{site}/owner/write")
    page.get_by_label("Title holds").fill("breakfast")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("navigation", name="By state")).to_contain_text("all 1")
    page.get_by_role("link", name="sent 0").click()
    expect(page.get_by_text("Nothing is like that")).to_be_visible()
    _sound(page)
    page.context.close()


def test_on_my_phone_home_write_and_people_are_one_press_away(browser: Browser, site: str) -> None:
    page = signed_in(browser, site, viewport={"width": 375, "height": 700})
    page.goto(f"{site}/owner/settings")
    bar = page.get_by_role("navigation", name="Most used")
    for name, heading in (("Write", "Articles and campaigns"), ("People", "Subscribers"), ("Home", "Home")):
        bar.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        expect(bar.get_by_role("link", name=name)).to_have_class("open")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.context.close()


@LOOKS
def test_home_tells_me_who_has_not_confirmed_and_i_ask_them_again(
    browser: Browser, site: str, runtime: Runtime, clock: FixedClock, width: int, scheme: str
) -> None:
    sign_up(runtime)
    clock.forward(timedelta(days=6))
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/")
    _sound(page)
    page.get_by_role("link", name="See whom, and ask again").click()
    expect(page.get_by_text("1 person gets the question of the confirmation once more.")).to_be_visible()
    _sound(page)
    page.get_by_role("button", name="Ask 1 person again").click()
    expect(page.get_by_role("heading", name="Ask again who has not confirmed")).to_be_visible()
    _sound(page)
    page.context.close()


@LOOKS
def test_i_look_up_who_changed_our_name_and_what_it_was_before(
    browser: Browser, site: str, width: int, scheme: str
) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/settings")
    was = page.get_by_label("Name", exact=True).first.input_value()
    page.get_by_label("Name", exact=True).first.fill("Walking & Co")
    page.locator("form[action$='/settings/brand']").get_by_role("button", name="Save").click()
    page.goto(f"{site}/owner/audit")
    page.get_by_label("What", exact=True).select_option("brand saved")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("value changed").first.click()
    expect(page.locator("del").first).to_have_text(was)
    expect(page.locator("ins").first).to_have_text("Walking & Co")
    _sound(page)
    page.get_by_role("row").get_by_role("link", name="brand saved").click()
    expect(page.get_by_role("heading", level=1, name="Settings")).to_be_visible()
    page.context.close()
