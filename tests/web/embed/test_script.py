"""The script's form in a real browser, on somebody else's page."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, expect

from newsletter.smtp import SentList
from tests import chromium
from tests.web.conftest import PAIN
from tests.web.embed.conftest import Blog, opened, script

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
Inbox = Callable[[str], list[EmailMessage]]


def test_the_script_signs_up_in_a_hostile_page_by_the_keyboard(
    browser: Browser, site: str, blog: Blog, inbox: Inbox, sent: SentList
) -> None:
    blog.widget = script(site)
    page, wrong = opened(browser, blog)
    email = page.get_by_label("Your e-mail address")
    expect(email).to_be_visible()
    box = page.locator("newsletter-form .box")
    look = "(e) => { const s = getComputedStyle(e); return [s.color, s.fontSize, s.direction]; }"
    assert box.evaluate(look) == ["rgb(29, 42, 42)", "16px", "ltr"]
    measure = "(e) => [e.offsetWidth, e.shadowRoot.querySelector('.box').scrollWidth]"
    width = page.locator("newsletter-form").evaluate(measure)
    assert width[0] == 300 and width[1] <= 300, "as wide as the sidebar, and nothing sticks out"
    assert not any(url.startswith(f"{site}/embed/{PAIN}.json") for url in blog.asked), "nothing is asked before a press"
    email.focus()
    page.keyboard.type("jane@example")
    page.keyboard.press("Enter")
    expect(page.get_by_text("e-mail address", exact=False).nth(1)).to_be_visible()
    expect(email).to_be_focused()
    assert email.get_attribute("aria-invalid") == "true" and email.get_attribute("aria-describedby") == "email-error"
    page.keyboard.type(".com")
    page.keyboard.press("Tab")
    page.keyboard.type("Jane")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    done = page.get_by_role("heading", name="Check your inbox")
    expect(done).to_be_visible()
    expect(done).to_be_focused()
    assert len(inbox("jane@example.com")) == 1
    assert {url.split("/")[2] for url in blog.asked} == {blog.url.split("/")[2], site.split("/")[2]}
    assert page.context.cookies() == [] and page.evaluate("localStorage.length") == 0
    page.context.close()
    assert wrong == []


def test_it_works_twice_on_a_page_and_beside_another(browser: Browser, site: str, blog: Blog, inbox: Inbox) -> None:
    blog.widget, blog.footer = script(site) + script(site), script(site, "footer")
    page, wrong = opened(browser, blog)
    expect(page.locator("newsletter-form")).to_have_count(3)
    expect(page.locator("[data-newsletter-form]")).to_have_count(0)
    for number in range(3):
        box = page.locator("newsletter-form").nth(number)
        box.get_by_label("Your e-mail address").fill(f"p{number}@example.com")
        box.get_by_role("button").click()
        expect(box.get_by_role("heading", name="Check your inbox")).to_be_visible()
        assert len(inbox(f"p{number}@example.com")) == 1
    page.context.close()
    assert wrong == []


@pytest.mark.parametrize("is_seen", [True, False])
def test_its_box_is_as_high_as_the_form_whatever_room_was_kept(
    browser: Browser, site: str, blog: Blog, is_seen: bool
) -> None:
    blog.widget, blog.style = script(site).replace("640", "2000"), "aside { width: 300px }"
    blog.filler = "" if is_seen else "<br>" * 300
    page, _ = opened(browser, blog)
    expect(page.get_by_label("Your e-mail address")).to_be_attached()
    measured = """(host) => { const box = host.shadowRoot.querySelector(".box"), inside = box.lastElementChild;
        return [host.offsetHeight, box.offsetHeight,
                Math.round(inside.getBoundingClientRect().bottom - box.getBoundingClientRect().top)]; }"""
    host, box, content = page.locator("newsletter-form").evaluate(measured)
    page.context.close()
    assert box - content == 21, "its padding and its edge"
    assert (host > 2000) == is_seen and (host == box) == (not is_seen), (
        "room is kept where somebody looks, and only there"
    )


def test_nothing_below_it_moves(browser: Browser, site: str, blog: Blog) -> None:
    blog.widget, blog.style = script(site), "aside { width: 300px }"
    page, _ = opened(browser, blog)
    expect(page.get_by_label("Your e-mail address")).to_be_visible()
    shifted = page.evaluate("""new Promise(done => {
        let sum = 0;
        new PerformanceObserver(list => list.getEntries().forEach(one => { sum += one.value; }))
            .observe({type: "layout-shift", buffered: true});
        requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
    })""")
    assert shifted == 0
    page.context.close()


def test_offline_is_told_and_nothing_typed_is_lost(browser: Browser, site: str, blog: Blog, inbox: Inbox) -> None:
    blog.widget = script(site)
    page, _ = opened(browser, blog)
    page.get_by_label("Your e-mail address").fill("jane@example.com")
    page.context.set_offline(True)
    page.get_by_role("button", name="Send me the guide").click()
    expect(page.get_by_text("You seem to be offline")).to_be_visible()
    assert page.get_by_label("Your e-mail address").input_value() == "jane@example.com"
    page.context.set_offline(False)
    page.get_by_role("button", name="Send me the guide").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.context.close()


def test_a_policy_without_connect_src_sends_the_form_to_our_page(
    browser: Browser, site: str, blog: Blog, inbox: Inbox
) -> None:
    blog.widget, blog.policy = script(site), f"script-src {site}; connect-src 'self'"
    page, _ = opened(browser, blog)
    page.get_by_label("Your e-mail address").fill("jane@example.com")
    page.get_by_role("button", name="Send me the guide").click()
    page.wait_for_url(f"{site}/f/{PAIN}")
    page.get_by_role("button", name="Send me the guide").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.context.close()


def test_without_any_script_the_link_is_there(browser: Browser, site: str, blog: Blog) -> None:
    blog.widget, blog.style = script(site), ""
    page, _ = opened(browser, blog, java_script_enabled=False)
    page.get_by_role("link", name="Get it").click()
    page.wait_for_url(f"{site}/f/{PAIN}")
    page.context.close()


@pytest.mark.parametrize("width", [300, 900])
def test_what_it_says_when_it_is_done_stands_in_the_middle_of_the_room_that_it_keeps(
    browser: Browser, site: str, blog: Blog, width: int
) -> None:
    blog.widget = f'<div style="width: {width}px">{script(site)}</div>'
    page, _ = opened(browser, blog)
    box = page.locator("newsletter-form .box")
    page.get_by_label("Your e-mail address").fill("jane@example.com")
    before = box.bounding_box()
    page.get_by_label("Your e-mail address").press("Enter")
    title = page.get_by_role("heading", name="Check your inbox")
    expect(title).to_be_focused()
    after, top = box.bounding_box(), page.locator("newsletter-form .top").bounding_box()
    assert before and after and top and after["height"] >= before["height"]
    above = top["y"] - after["y"]
    below = after["y"] + after["height"] - top["y"] - top["height"]
    left, right = top["x"] - after["x"], after["x"] + after["width"] - top["x"] - top["width"]
    assert above == pytest.approx(below, abs=20) and left == pytest.approx(right, abs=2), "but for the margin below"
    page.context.close()
