"""After the form: the page says where we wrote to, from what the browser kept, and forgets it."""

import pytest
from playwright.sync_api import Browser, expect

from tests import chromium
from tests.web.conftest import PAIN

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
