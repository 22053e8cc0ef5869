"""The question about a slip in a real browser: on our own page, in the script's box and in the iframe."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from newsletter import forms
from newsletter.forms import Form
from newsletter.runtime import Runtime
from tests import chromium
from tests.web.conftest import PAIN
from tests.web.embed.conftest import Blog, opened, script
from tests.web.owner.test_browser import found_by_axe

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
Inbox = Callable[[str], list[EmailMessage]]
Place = Page | Locator | FrameLocator
TYPED, MEANT = "jane@gmial.com", "jane@gmail.com"
YES, NO = f"Yes, use {MEANT}", f"No, {TYPED} is right"
PRESSES = pytest.mark.parametrize(("label", "reached"), [(YES, MEANT), (NO, TYPED)], ids=["accept", "keep"])


def _shown(browser: Browser, site: str, blog: Blog, kind: str, **options: object) -> tuple[Page, Place, list[str]]:
    """A form on its own page, or on somebody else's: the page, the place of the form, and what went wrong."""
    blog.style = ""
    blog.widget = f'<iframe src="{site}/embed/{PAIN}" title="Form" height="900"></iframe>' if kind == "frame" else ""
    blog.widget = script(site) if kind == "script" else blog.widget
    page, wrong = opened(browser, blog, **options)
    if kind == "own":
        page.goto(f"{site}/f/{PAIN}")
        return page, page.locator("main"), wrong
    return page, page.frame_locator("iframe") if kind == "frame" else page.locator("newsletter-form"), wrong


def _ask(place: Place) -> None:
    place.get_by_label("Your e-mail address").fill(TYPED)
    place.get_by_label("First name").fill("Jane")
    place.get_by_role("button", name="Send me the guide").click()
    expect(place.get_by_role("button", name=YES)).to_be_visible()


@PRESSES
@pytest.mark.parametrize("kind", ["own", "script", "frame"])
def test_one_press_goes_on(
    browser: Browser, site: str, blog: Blog, inbox: Inbox, kind: str, label: str, reached: str
) -> None:
    page, place, wrong = _shown(browser, site, blog, kind)
    _ask(place)
    assert inbox(MEANT) == inbox(TYPED) == []
    place.get_by_role("button", name=label).click()
    expect(place.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert [len(inbox(one)) for one in (MEANT, TYPED)] == [int(one == reached) for one in (MEANT, TYPED)]
    page.context.close()
    assert wrong == []


def test_without_a_script_too(browser: Browser, site: str, blog: Blog, inbox: Inbox) -> None:
    page, place, _ = _shown(browser, site, blog, "own", java_script_enabled=False)
    _ask(place)
    place.get_by_role("button", name=YES).click()
    expect(place.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox(MEANT)) == 1
    page.context.close()


def test_the_scripts_question_takes_the_focus_and_goes_when_another_address_is_typed(
    browser: Browser, site: str, blog: Blog, inbox: Inbox
) -> None:
    page, place, wrong = _shown(browser, site, blog, "script")
    _ask(place)
    expect(place.get_by_role("button", name=YES)).to_be_focused()
    page.keyboard.press("Tab")
    expect(place.get_by_role("button", name=NO)).to_be_focused()
    place.get_by_label("Your e-mail address").fill("joe@hotmial.com")
    page.keyboard.press("Enter")
    expect(place.get_by_role("button", name=YES)).to_have_count(0)
    place.get_by_role("button", name="No, joe@hotmial.com is right").press("Enter")
    expect(place.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("joe@hotmial.com")) == 1
    page.context.close()
    assert wrong == []


@pytest.mark.parametrize("kind", ["own", "script", "frame"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, site: str, blog: Blog, runtime: Runtime, kind: str, scheme: str) -> None:
    if scheme == "dark":
        with runtime.database.transaction() as session:
            form: Form | None = forms.named(session, PAIN)
            assert form is not None
            form.ground, form.ink, form.accent = "#101820", "#f0f0e8", "#7fd1cc"
    for width in (320, 1280):
        page, place, wrong = _shown(browser, site, blog, "own" if kind == "frame" else kind, color_scheme=scheme,
                                    viewport={"width": width, "height": 900})  # fmt: skip
        if kind == "frame":
            page.goto(f"{site}/embed/{PAIN}")
            place = page.locator("main")
        _ask(place)
        found = found_by_axe(page)
        assert found in ("[]", '[["region",["<p id=\\"below\\">Categories</p>"]]]'), found
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.context.close()
        assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.usefixtures("jane")
def test_a_readers_page_asks_in_sight_of_the_reader(
    browser: Browser, site: str, link: Callable[..., str], inbox: Inbox, scheme: str
) -> None:
    page = browser.new_context(viewport={"width": 375, "height": 700}, color_scheme=scheme).new_page()
    page.goto(site + link("preferences"))
    page.get_by_label("New e-mail address").fill(TYPED)
    page.get_by_role("button", name="Write to this address instead").click()
    yes = page.get_by_role("button", name=YES)
    expect(yes).to_be_in_viewport()
    assert found_by_axe(page) == "[]" and inbox(TYPED) == inbox(MEANT) == []
    yes.click()
    expect(page.get_by_text("Look into the inbox of the new address.")).to_be_visible()
    assert (len(inbox(MEANT)), inbox(TYPED)) == (1, [])
    page.context.close()
