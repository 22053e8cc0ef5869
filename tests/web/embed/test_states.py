"""What a form on another site says while it is sent and when that fails, and what comes by itself: on a page whose
style sheet hides and paints everything, under a strict policy."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Route, expect

from tests import chromium
from tests.web.conftest import PAIN
from tests.web.embed.conftest import HOSTILE, Blog, opened, script

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
Inbox = Callable[[str], list[EmailMessage]]
LOOK = "(e) => { const s = getComputedStyle(e); return [s.color, s.letterSpacing, s.textTransform, s.direction]; }"
OURS = ["rgb(29, 42, 42)", "normal", "none", "ltr"]
SEND = "Send me the guide"
TITLE = "Understand what keeps hurting"


def test_while_it_is_on_its_way_it_says_so_and_a_second_press_sends_nothing(
    browser: Browser, site: str, blog: Blog, inbox: Inbox
) -> None:
    blog.widget = script(site)
    page, wrong = opened(browser, blog)
    held: list[Route] = []
    page.route(f"{site}/embed/{PAIN}", lambda route: held.append(route))
    page.get_by_label("Your e-mail address").fill("jane@example.com")
    button = page.get_by_role("button", name=SEND)
    with page.expect_request(f"{site}/embed/{PAIN}"):
        button.click()
    said = page.locator("newsletter-form .said")
    expect(said).to_have_text("Sending…")
    assert said.evaluate(LOOK) == OURS
    expect(button).to_have_attribute("aria-busy", "true")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.click(force=True)
    page.get_by_label("Your e-mail address").press("Enter")
    assert len(held) == 1 and inbox("jane@example.com") == []
    held[0].continue_()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.context.close()
    assert wrong == []


@pytest.mark.parametrize(
    ("how", "says"),
    [("wrong", "does not look like an e-mail address"), ("broken", "That did not arrive."),
     ("offline", "You seem to be offline.")],
)  # fmt: skip
def test_what_went_wrong_is_readable_and_the_next_try_goes_through(
    browser: Browser, site: str, blog: Blog, inbox: Inbox, how: str, says: str
) -> None:
    blog.widget = script(site)
    page, _ = opened(browser, blog)
    email = page.get_by_label("Your e-mail address")
    email.fill("jane@@" if how == "wrong" else "jane@example.com")
    if how == "broken":
        page.route(f"{site}/embed/{PAIN}", lambda route: route.abort())
    page.context.set_offline(how == "offline")
    email.press("Enter")
    told = page.locator("newsletter-form").get_by_text(says)
    expect(told).to_be_visible()
    color, *others = told.evaluate(LOOK)
    assert others == OURS[1:] and color not in ("rgb(255, 0, 0)", "rgba(0, 0, 0, 0)")
    page.unroute(f"{site}/embed/{PAIN}")
    page.context.set_offline(False)
    expect(page.get_by_role("button", name=SEND)).to_have_attribute("aria-disabled", "false")
    email.fill("jane@example.com")
    email.press("Enter")
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.context.close()


@pytest.mark.parametrize("shape", ["popup", "slide-in", "bar"])
def test_what_comes_by_itself_looks_like_ours_on_any_page_and_signs_up(
    browser: Browser, site: str, blog: Blog, inbox: Inbox, shape: str
) -> None:
    blog.widget = f'<script async src="{site}/embed/{PAIN}.js" data-shape="{shape}" data-when="5"></script>'
    page, wrong = opened(browser, blog)
    page.clock.install()
    page.reload()
    page.wait_for_load_state("networkidle")
    page.clock.fast_forward(6000)
    box = page.get_by_role("dialog", name=TITLE)
    expect(box).to_be_visible()
    assert page.get_by_role("heading", name=TITLE).evaluate(LOOK) == OURS
    place = box.bounding_box()
    assert place and place["x"] >= 0 and place["x"] + place["width"] <= 1280 and place["y"] + place["height"] <= 720
    page.clock.resume()
    page.get_by_label("Your e-mail address").fill("jane@example.com")
    page.get_by_role("button", name=SEND).click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.get_by_role("button", name="Close").click()
    expect(box).to_have_count(0)
    page.context.close()
    assert wrong == []


def test_a_pop_up_for_leaving_waits_for_the_pointer_to_go_for_the_tabs(browser: Browser, site: str, blog: Blog) -> None:
    blog.widget = f'<script async src="{site}/embed/{PAIN}.js" data-shape="popup" data-when="leaving"></script>'
    page, wrong = opened(browser, blog)
    page.clock.install()
    page.reload()
    page.wait_for_load_state("networkidle")
    box = page.get_by_role("dialog", name=TITLE)

    def leave(x: int, y: int) -> None:
        page.evaluate(
            "([clientX, clientY]) => document.documentElement.dispatchEvent(new MouseEvent('mouseleave', "
            "{ clientX, clientY }))", [x, y]
        )  # fmt: skip

    leave(400, -1)
    expect(box).to_have_count(0)  # not in the first seconds
    page.clock.fast_forward(60_000)
    expect(box).to_have_count(0)  # nor by waiting
    leave(-1, 300)
    expect(box).to_have_count(0)  # nor when the pointer goes to the side
    leave(400, -1)
    expect(box).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    leave(400, -1)
    expect(box).to_have_count(0)  # once for a person
    page.context.close()
    assert wrong == []


def test_a_plain_form_takes_the_pages_own_style_and_works_by_the_keyboard(
    browser: Browser, site: str, blog: Blog, inbox: Inbox
) -> None:
    shown = "form, p, label, input { display: block !important; visibility: visible !important; }"
    blog.style = f"{HOSTILE}{shown}"
    blog.widget = (f'<form action="{site}/f/{PAIN}" method="post"><p><label>E-mail <input type="email" name="email">'
                   "</label></p><p><button>Go</button></p></form>")  # fmt: skip
    page, wrong = opened(browser, blog)
    page.get_by_label("E-mail").focus()
    page.keyboard.type("jane@example.com")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/f/{PAIN}")
    assert inbox("jane@example.com") == []
    page.get_by_role("button", name=SEND).click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.context.close()
    assert wrong == []
