"""The team's way in a real browser: asked in, come in, refused, asks for approval, handed back; axe at each page."""

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from newsletter.links import Purpose
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream
from tests import chromium
from tests.web.owner.test_browser import LOOKS, found_by_axe, signed_in, site

__all__ = ["site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
NEW = "quite unlikely green teapots"
LONG = "w" * 50


def _sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.title()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.title()


def _invitation(runtime: Runtime) -> str:
    with runtime.database.reading() as session:
        context = session.scalars(select(Message.context).where(Message.stream == Stream.INVITATION)).one()
    return f"/owner/invitation/{runtime.signer.token(Purpose.INVITATION, *(context or {})['invitation'])}"


def _come_in(page: Page, email: str) -> None:
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password once more").fill(NEW)
    page.get_by_role("button", name="Choose this password, and come in").click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(NEW)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/owner/")


@LOOKS
def test_somebody_is_asked_in_and_asks_for_approval(
    browser: Browser, site: str, article: int, runtime: Runtime, width: int, scheme: str
) -> None:
    looks = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    owner, email = signed_in(browser, site, **looks), f"{LONG}@example.org"
    owner.goto(f"{site}/owner/team")
    owner.get_by_label("E-mail address").fill(email)
    owner.get_by_label("Role", exact=True).select_option("writer")
    owner.get_by_role("button", name="Send the invitation").click()
    expect(owner.get_by_role("status")).to_contain_text("An invitation is on its way")
    _sound(owner)
    writer = browser.new_context(**looks).new_page()  # type: ignore[arg-type]
    writer.goto(site + _invitation(runtime))
    _sound(writer)
    _come_in(writer, email)
    writer.goto(f"{site}/owner/audit")
    expect(writer.get_by_role("heading", name="This is not yours to do")).to_be_visible()
    _sound(writer)
    writer.goto(f"{site}/owner/campaigns/new?article={article}")
    writer.get_by_role("button", name="Go on: check it").click()
    _sound(writer)
    writer.get_by_label("A word to them").fill("Please look at the last paragraph. " * 5)
    writer.get_by_role("button", name="Ask for approval").click()
    expect(writer.get_by_role("status")).to_contain_text("It waits for approval now")
    _sound(writer)
    owner.goto(f"{site}/owner/")
    _sound(owner)
    owner.locator(".alert", has_text="Needs you").get_by_role("link").click()
    owner.get_by_text("Not yet: hand it back…").click()
    _sound(owner)
    owner.get_by_label("What is missing").fill("The last paragraph.")
    owner.get_by_role("button", name="Hand it back").click()
    expect(owner.get_by_role("status")).to_contain_text("Handed back")
    _sound(owner)
    writer.goto(f"{site}/owner/")
    expect(writer.locator(".alert", has_text="Handed back to you")).to_be_visible()
    _sound(writer)
    owner.goto(f"{site}/owner/team")
    _sound(owner)
    writer.context.close()
    owner.context.close()
