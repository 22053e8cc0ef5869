"""After the form: the page says where we wrote to, from what the browser kept, and forgets it."""

import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, expect

from tests import chromium
from tests.web.conftest import PAIN
from tests.web.owner.test_browser import found_by_axe

Inbox = Callable[[str], list[EmailMessage]]

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]


@pytest.mark.parametrize(
    ("address", "link"),
    [("jane@gmail.com", "Open Gmail"), ("jane@example.com", ""), ("Jane@Hotmail.co.uk", "Open Outlook")],
)
def test_the_inbox_page_says_where_we_wrote_to_once(browser: Browser, site: str, address: str, link: str) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{site}/guides/{PAIN}")
    page.locator(".box input[name=email]").fill(f" {address} ")
    page.locator(".box input[name=email]").press("Enter")
    page.wait_for_url("**/check-your-inbox**")
    assert address not in page.url
    expect(page.locator("[data-asked] strong")).to_have_text(address)
    button = page.locator("[data-inbox]")
    if link:
        expect(button).to_have_text(link)
    else:
        expect(button).to_be_hidden()
    assert page.context.cookies() == []
    page.reload()
    expect(page.locator("[data-asked]")).to_be_hidden()
    assert page.evaluate("sessionStorage.length") == 0
    page.context.close()


def test_a_minute_later_the_button_wakes_and_sends_it_again(browser: Browser, site: str, inbox: Inbox) -> None:
    page = browser.new_context().new_page()
    page.clock.install()
    page.goto(f"{site}/guides/{PAIN}")
    page.locator(".box input[name=email]").fill("jane@example.com")
    page.locator(".box input[name=first_name]").fill("Jane")
    page.locator(".box input[name=email]").press("Enter")
    page.wait_for_url("**/check-your-inbox**")
    button = page.get_by_role("button", name="Send it again")
    expect(button).to_be_disabled()
    expect(page.locator("[data-wait]")).to_contain_text(re.compile(r"You can ask for it again in (60|59) s[.]"))
    page.clock.run_for(30_000)
    expect(page.locator("[data-wait]")).to_contain_text(re.compile(r"in (30|29) s[.]"))
    assert found_by_axe(page) == "[]"
    page.clock.run_for(31_000)
    expect(button).to_be_enabled()
    expect(page.locator("[data-wait]")).to_be_hidden()
    button.click()  # by the server's clock, which stands still, it is too soon
    expect(page.get_by_role("status")).to_contain_text("Not yet: you can ask for it again in 60 seconds.")
    expect(page.locator("[data-asked] strong")).to_have_text("jane@example.com")
    expect(page.get_by_role("button", name="Send it again")).to_be_disabled()
    assert page.url.endswith("/check-your-inbox") and len(inbox("jane@example.com")) == 1
    page.get_by_role("button", name="Wrong address? Correct it").click()
    expect(page.locator("main input[name=email]")).to_have_value("jane@example.com")
    expect(page.locator("main input[name=first_name]")).to_have_value("Jane")
    assert page.context.cookies() == [] and page.evaluate("sessionStorage.length") == 0
    page.context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (320, "light")])
def test_the_page_is_sound_with_and_without_a_script(browser: Browser, site: str, width: int, scheme: str) -> None:
    for scripts in (True, False):
        context = browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 800},
                                      color_scheme=scheme)  # fmt: skip
        page = context.new_page()
        page.goto(f"{site}/check-your-inbox?guide={PAIN}")
        expect(page.locator("#again input[name=email]")).to_be_visible()
        expect(page.get_by_role("button", name="Send it again")).to_be_enabled(enabled=not scripts)
        assert found_by_axe(page) == "[]" if scripts else True
        context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no script"])
def test_a_visitor_to_whom_nothing_came_reads_what_to_do_and_corrects_the_address(
    browser: Browser, site: str, inbox: Inbox, scripts: bool
) -> None:
    page = browser.new_context(java_script_enabled=scripts, viewport={"width": 375, "height": 700}).new_page()
    page.goto(f"{site}/guides/{PAIN}")
    page.locator(".box input[name=email]").fill("jane@wrong.example")
    page.locator(".box input[name=email]").press("Enter")
    if not scripts:
        page.get_by_role("button", name="Send me the guide").click()
    expect(page.get_by_role("heading", name="If nothing comes")).to_be_visible()
    for words in ("Give it a few minutes", "folder for spam or promotions", "at most three mails a day",
                  "Still nothing? Write to paul@human-movement.com"):  # fmt: skip
        expect(page.get_by_text(words)).to_be_visible()
    if scripts:
        page.get_by_role("button", name="Wrong address? Correct it").click()
    else:
        page.goto(f"{site}/guides/{PAIN}")
    email = page.locator("main input[name=email]").first
    email.fill("jane@example.com")
    email.press("Enter")
    if not scripts:
        page.get_by_role("button", name="Send me the guide").click()
    expect(page.get_by_role("heading", name="If nothing comes")).to_be_visible()
    assert (len(inbox("jane@wrong.example")), len(inbox("jane@example.com"))) == (1, 1)
    page.context.close()
