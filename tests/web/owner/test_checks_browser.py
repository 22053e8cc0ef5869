"""The checks before a campaign goes, in a real browser: each leads to where it is mended, and nothing typed is lost."""

from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.owner.conftest import Desk
from tests.web.owner.test_browser import LOOKS, found_by_axe, pytestmark, signed_in, site
from tests.web.owner.test_trial_panel import draft

__all__ = ["draft", "pytestmark", "site"]


def _is_sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


def _found(page: Page, words: str) -> Locator:
    """A line of the list."""
    return page.locator(".checks li").filter(has_text=words)


@LOOKS
def test_i_send_myself_a_test_and_find_my_time_again(
    browser: Browser, site: str, draft: str, width: int, scheme: str
) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}{draft}")
    expect(page.get_by_text("No test of it has been sent yet.")).to_be_visible()
    _found(page, "No test of it").get_by_role("link").click()
    expect(page.get_by_role("group", name="A test first")).to_be_in_viewport()
    page.get_by_label("Time", exact=True).fill("17:45")
    page.get_by_label("As this reader would get it").fill("jane@example.com")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("A test is on its way to paula@example.org.")).to_be_visible()
    expect(page.get_by_label("Time", exact=True)).to_have_value("17:45")
    expect(page.get_by_text("A test of it was sent as it stands.")).to_be_visible()
    _is_sound(page)
    page.context.close()


def test_enter_in_a_field_sends_nothing(browser: Browser, site: str, draft: str) -> None:
    page = signed_in(browser, site)
    page.goto(f"{site}{draft}")
    page.get_by_label("Send a test to").press("Enter")
    expect(page.get_by_text("No test of it has been sent yet.")).to_be_visible()
    expect(page.get_by_text("draft", exact=True).first).to_be_visible()
    page.context.close()


def test_a_check_leads_me_to_the_very_words(browser: Browser, site: str, draft: str, desk: Desk, article: int) -> None:
    text = {"title": "On walking", "subject": "S", "body": "Walk.\n\n" * 60 + "Hi {name}\n", "base": "1"}
    desk.post(f"/owner/articles/{article}/edit", **text)
    page = signed_in(browser, site)
    page.goto(f"{site}{draft}")
    _found(page, "Left over").get_by_role("link").click()
    expect(page.locator("#body")).to_be_focused()
    marked = "(area => area.value.slice(area.selectionStart, area.selectionEnd))(document.querySelector('#body'))"
    assert page.evaluate(marked) == "{name}"
    page.context.close()
