"""The page of the theme in a real browser: the mail follows what is typed, and without a script a button shows it."""

import re

from playwright.sync_api import Browser, Page, expect

from newsletter import brand
from newsletter.runtime import Runtime
from tests.web.owner.test_browser import pytestmark, signed_in, site

__all__ = ["pytestmark", "site"]


def _has(page: Page, frame: str, property: str, value: str) -> None:
    expect(page.frame_locator(f"#in-{frame}").locator(".button td").first).to_have_css(property, value)


def test_the_mail_follows_what_is_typed_and_saving_shows_them_all(
    browser: Browser,
    site: str,
    runtime: Runtime,
) -> None:
    page = signed_in(browser, site)
    page.goto(f"{site}/owner/theme")
    expect(page.get_by_role("button", name="Show", exact=True)).to_be_hidden()
    _has(page, "light", "background-color", "rgb(15, 95, 99)")
    _has(page, "dark", "background-color", "rgb(134, 201, 197)")
    page.get_by_label("Pick the colour of buttons").fill("#ffcc00")
    expect(page.get_by_text("too faint for many people")).to_be_visible()
    page.get_by_role("button", name="Take #8f7200").click()
    page.wait_for_load_state()
    expect(page.get_by_label("Buttons and links", exact=True)).to_have_value("#8f7200")
    _has(page, "light", "background-color", "rgb(143, 114, 0)")
    page.get_by_label("Round", exact=True).check()
    _has(page, "light", "border-top-left-radius", "25px")
    page.get_by_label("Footer").fill("Company no. 12345")
    expect(page.frame_locator("#in-dark").get_by_text("Company no. 12345")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/owner/mails")
    expect(page.get_by_text("every mail looks like these")).to_be_visible()
    with runtime.database.reading() as session:
        assert brand.current(session).look.accent == "#8f7200"


def test_without_a_script_a_button_shows_it(browser: Browser, site: str) -> None:
    page = signed_in(browser, site, java_script_enabled=False)
    page.goto(f"{site}/owner/theme")
    page.get_by_label("Buttons and links", exact=True).fill("#aa1122")
    page.get_by_label("Which mail").select_option("notice")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_label("Buttons and links", exact=True)).to_have_value("#aa1122")
    expect(page.locator("#in-light")).to_have_attribute("src", re.compile("mail=notice.*accent=%23aa1122"))
    expect(page.frame_locator("#in-light").get_by_text("A campaign is paused").first).to_be_visible()
