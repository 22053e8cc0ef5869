"""What somebody sees while a press is on its way, and while they type at the foot of a long form; in a real browser."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests import chromium
from tests.web.owner.test_browser import signed_in, site

__all__ = ["site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]


HOLD = """window.sent = 0;
addEventListener("submit", (event) => { window.sent += !event.defaultPrevented; event.preventDefault(); });
HTMLFormElement.prototype.submit = () => {};"""
"""Nothing leaves the page, and what would have left is counted: behind our own scripts, which hear of it first."""


def test_a_pressed_button_shows_it_and_sends_once(browser: Browser, site: str) -> None:
    page = signed_in(browser, site)
    for path, name in (("/owner/settings", "Save"), ("/owner/forms", "Make it"), ("/owner/data", "Download a backup")):
        page.goto(site + path)
        page.evaluate(HOLD)
        button = page.locator("main").get_by_role("button", name=name, exact=True)
        button.click()
        expect(button).to_have_attribute("aria-busy", "true")
        assert button.evaluate("(one) => getComputedStyle(one, '::after').height") == "2px", "it is seen as well"
        button.click()
        assert button.is_enabled() and page.evaluate("window.sent") == 1, path


def test_a_visitors_press_shows_too_and_can_be_repeated_after_coming_back(browser: Browser, site: str) -> None:
    page = browser.new_page()
    page.goto(f"{site}/guides/recover-from-pain")
    page.evaluate(HOLD)
    button = page.locator("main form button").first
    page.locator("main form [name=email]").first.fill("jane@example.com")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow'))")
    expect(button).not_to_have_attribute("aria-busy", "true")
    page.close()


@pytest.mark.parametrize("path", ["/owner/forms/1", "/owner/guides/1/page", "/owner/texts/guide", "/owner/theme"])
def test_no_field_that_gets_the_focus_stands_behind_the_bar(browser: Browser, site: str, path: str) -> None:
    page = signed_in(browser, site, viewport={"width": 375, "height": 700}, reduced_motion="reduce")
    page.goto(site + path)
    assert urlsplit(page.url).path == path
    covered = page.evaluate("""async () => {
        const bar = document.querySelector(".sticky-actions"), found = [];
        const fields = [...bar.closest("form").querySelectorAll("input, select, textarea, a, summary, button")];
        for (const one of fields.filter((one) => one.checkVisibility() && !bar.contains(one) && one.tabIndex >= 0)) {
            one.focus();
            await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
            const at = one.getBoundingClientRect(), edge = bar.getBoundingClientRect();
            // A box of many lines shows those that are typed in; of anything else all is seen (WCAG 2.2, 2.4.12).
            const shown = Math.min(at.height, 48), behind = at.top + shown > edge.top + 1 && at.top < edge.bottom;
            if (behind) found.push(one.outerHTML.slice(0, 80));
        }
        return found;
    }""")
    assert covered == []
