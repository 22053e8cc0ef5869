"""Spam points in a real browser: asked for as a page opens, shown when they are there, with nothing for axe to find."""

from playwright.sync_api import Browser, Page, expect

from newsletter.preflight import spam
from newsletter.runtime import Runtime
from tests.spamd_server import SpamdServer, answered
from tests.web.owner.test_browser import LOOKS, found_by_axe, pytestmark, signed_in, site
from tests.web.owner.test_spam import draft, server

__all__ = ["draft", "pytestmark", "server", "site"]
MANY = (
    " 2.7 DEAR_FRIEND            BODY: Dear Friend? That's not very dear!\n"
    " 1.0 A_RULE_WITH_A_VERY_LONG_NAME_THAT_HAS_NO_PLACE_TO_BREAK_ANYWHERE Some words\n"
    " 0.0 HTML_MESSAGE           BODY: HTML included in message"
)


def _is_sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


@LOOKS
def test_they_are_asked_for_and_shown_by_themselves(
    browser: Browser, site: str, draft: int, runtime: Runtime, server: SpamdServer, width: int, scheme: str
) -> None:
    server.answer = answered("3.7", rules=MANY)
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in (f"campaigns/{draft}", "articles/1", "guides/1/set-up"):
        page.goto(f"{site}/owner/{path}")
        expect(page.get_by_text("SpamAssassin is asked; that takes some seconds.")).to_be_visible()
        _is_sound(page)
        assert spam.go_on(runtime) == 1
        expect(page.get_by_text("3.7 points", exact=True)).to_be_visible()
        page.get_by_text("1 more rule hit").click()
        _is_sound(page)
    page.goto(f"{site}/owner/sending")
    _is_sound(page)
    page.context.close()


def test_what_is_typed_meanwhile_stays(
    browser: Browser, site: str, draft: int, runtime: Runtime, server: SpamdServer
) -> None:
    page = signed_in(browser, site)
    page.goto(f"{site}/owner/campaigns/{draft}")
    expect(page.get_by_text("SpamAssassin is asked; that takes some seconds.")).to_be_visible()
    page.get_by_label("Time", exact=True).fill("17:45")
    spam.go_on(runtime)
    expect(page.get_by_text("1.7 points", exact=True)).to_be_visible()
    expect(page.get_by_label("Time", exact=True)).to_have_value("17:45")
    page.context.close()


def test_without_a_script_a_button_asks(
    browser: Browser, site: str, draft: int, runtime: Runtime, server: SpamdServer
) -> None:
    page = signed_in(browser, site, java_script_enabled=False)
    page.goto(f"{site}/owner/campaigns/{draft}")
    page.get_by_role("button", name="Have it scored").click()
    expect(page.get_by_text("SpamAssassin is asked; that takes some seconds.")).to_be_visible()
    spam.go_on(runtime)
    page.get_by_role("link", name="Show what it has said").click()
    page.reload()
    expect(page.get_by_text("1.7 points", exact=True)).to_be_visible()
    page.context.close()
