"""Paula changes her sign-in address in a real browser: the form, both pages, and what axe says of them."""

from playwright.sync_api import Browser, Page, expect

from newsletter.runtime import Runtime
from tests.web.owner.conftest import EMAIL, PASSWORD
from tests.web.owner.test_browser import LOOKS, found_by_axe, pytestmark, signed_in, site
from tests.web.owner.test_own_address import NEW, _links

__all__ = ["pytestmark", "site"]


def _sound(page: Page) -> None:
    assert found_by_axe(page) == "[]"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@LOOKS
def test_it_is_asked_for_pressed_and_taken_back(
    browser: Browser, site: str, runtime: Runtime, width: int, scheme: str
) -> None:
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    page, stranger = signed_in(browser, site, **look), browser.new_context(**look).new_page()  # type: ignore[arg-type]
    page.goto(f"{site}/owner/settings#address")
    form = page.locator("section", has=page.locator("#address"))
    form.get_by_label("New e-mail address").fill("no address")
    form.get_by_role("button").click()
    expect(page.locator(".field-error").first).to_be_visible()
    _sound(page)
    form.get_by_label("New e-mail address").fill(NEW)
    form.get_by_label("Present password").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(page.get_by_text(f"Asked for: {NEW}")).to_be_visible()
    _sound(page)
    press, not_me = _links(runtime)
    stranger.goto(site + press)
    _sound(stranger)
    stranger.get_by_role("button", name="Yes, this is my address").click()
    expect(stranger.get_by_text(f"Your sign-in address is {NEW} now")).to_be_visible()
    stranger.goto(site + not_me)
    _sound(stranger)
    stranger.get_by_role("button", name=f"It was not me: keep {EMAIL}").click()
    expect(stranger.get_by_role("heading", name="Taken back")).to_be_visible()
    _sound(stranger)
    stranger.goto(site + press)
    expect(stranger.get_by_role("heading", name="This link is over")).to_be_visible()
    _sound(stranger)
    page.context.close()
    stranger.context.close()
