"""In a real browser: plain HTML, the iframe, what comes by itself, and a guide's own page."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, expect

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


def test_a_plain_form_needs_one_more_press(browser: Browser, site: str, blog: Blog, inbox: Inbox) -> None:
    blog.style = ""
    label = '<label>E-mail <input type="email" name="email"></label>'
    blog.widget = f'<form action="{site}/f/{PAIN}" method="post">{label}<button>Go</button></form>'
    page, wrong = opened(browser, blog, java_script_enabled=False)
    page.get_by_label("E-mail").fill("jane@example.com")
    page.get_by_role("button").click()
    assert inbox("jane@example.com") == []
    page.get_by_role("button", name="Send me the guide").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.context.close()
    assert wrong == []


def test_the_iframe_is_as_high_as_its_form_and_signs_up(browser: Browser, site: str, blog: Blog, inbox: Inbox) -> None:
    blog.widget = (f'<iframe src="{site}/embed/{PAIN}" title="Get it" height="100"></iframe>'
                   f'<script async src="{site}/embed/frame.js"></script>')  # fmt: skip
    page, wrong = opened(browser, blog)
    inside = page.frame_locator("iframe")
    expect(inside.get_by_label("Your e-mail address")).to_be_visible()
    page.wait_for_selector("iframe[style*=height]")
    assert page.locator("iframe").evaluate("(e) => e.offsetHeight") > 300, "the page's own style says 40 px"
    assert page.locator("iframe").evaluate("(e) => e.style.width") == "100%"
    high = page.frames[1].evaluate("[document.documentElement.scrollHeight, innerHeight]")
    assert high[0] <= high[1], "nothing of it must be scrolled to"
    inside.get_by_label("Your e-mail address").fill("jane@example.com")
    inside.get_by_role("button").click()
    expect(inside.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.context.close()
    assert wrong == []


@pytest.mark.parametrize(("shape", "role"), [("popup", "dialog"), ("slide-in", "dialog"), ("bar", "dialog")])
def test_what_comes_by_itself_comes_once_late_and_goes_with_escape(
    browser: Browser, site: str, blog: Blog, shape: str, role: str
) -> None:
    blog.widget = f'<script async src="{site}/embed/{PAIN}.js" data-shape="{shape}" data-when="50%"></script>'
    blog.style, blog.filler = "", "<br>Words. " * 300
    page, wrong = opened(browser, blog)
    box = page.get_by_role(role, name="Understand what keeps hurting")
    page.clock.install()
    page.reload()
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 1e6)")
    expect(box).to_have_count(0)  # not in the first seconds, however far somebody has scrolled
    page.clock.fast_forward(4000)
    page.evaluate("scrollBy(0, -5)")
    expect(box).to_be_visible()
    assert found_by_axe(page) == "[]"
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    page.reload()
    page.wait_for_load_state("networkidle")
    page.clock.fast_forward(60_000)
    page.evaluate("scrollTo(0, 0)")
    page.evaluate("scrollTo(0, 1e6)")
    expect(box).to_have_count(0)
    assert page.evaluate("localStorage.getItem('newsletter-form:recover-from-pain')") == "1"
    page.context.close()
    assert wrong == []


def test_nothing_comes_by_itself_for_who_asked_for_less_motion(browser: Browser, site: str, blog: Blog) -> None:
    blog.widget = f'<script async src="{site}/embed/{PAIN}.js" data-shape="popup" data-when="3"></script>'
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.clock.install()
    page.goto(blog.url)
    page.wait_for_load_state("networkidle")
    page.clock.fast_forward(60_000)
    expect(page.locator("newsletter-form")).to_have_count(0)
    context.close()


@pytest.mark.parametrize("kind", ["script", "frame"])
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_in_either(
    browser: Browser, site: str, blog: Blog, runtime: Runtime, kind: str, dark: bool
) -> None:
    if dark:
        with runtime.database.transaction() as session:
            form: Form | None = forms.named(session, PAIN)
            assert form is not None
            form.ground, form.ink, form.accent = "#101820", "#f0f0e8", "#7fd1cc"
            form.colours.check()
    blog.widget, blog.style = script(site), ""
    for width in (320, 1280):
        page, wrong = opened(browser, blog, viewport={"width": width, "height": 900})
        if kind == "frame":
            page.goto(f"{site}/embed/{PAIN}")
        page.get_by_label("Your e-mail address").fill("jane")
        page.get_by_role("button", name="Send me the guide").click()
        expect(page.get_by_label("Your e-mail address")).to_have_attribute("aria-invalid", "true")
        found = found_by_axe(page)
        assert found in ("[]", '[["region",["<p id=\\"below\\">Categories</p>"]]]'), found
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.context.close()
        assert wrong == []


@pytest.mark.parametrize("size", [(390, 844), (1280, 720)])
@pytest.mark.parametrize("slug", ["recover-from-pain", "exercise-at-50"])
def test_a_guides_form_is_seen_without_scrolling(browser: Browser, site: str, slug: str, size: tuple[int, int]) -> None:
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    page.goto(f"{site}/guides/{slug}")
    for place in (page.get_by_role("heading", level=1), page.locator(f"#{slug}-email"),
                  page.locator(f"#{slug}-form").get_by_role("button")):  # fmt: skip
        seen = place.bounding_box()
        assert seen is not None and seen["y"] >= 0 and seen["y"] + seen["height"] <= size[1], seen
    page.context.close()
