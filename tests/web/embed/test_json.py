"""The example of docs/json.md and the code that an owner copies, run in a browser on a page of another origin."""

import re
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, expect

from newsletter.runtime import Runtime
from newsletter.settings import ROOT
from tests import chromium
from tests.web.conftest import PAIN
from tests.web.embed.conftest import Blog, opened
from tests.web.owner.conftest import Desk, desk, owner
from tests.web.owner.test_sign_up_forms import _pieces

__all__ = ["desk", "owner"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
Inbox = Callable[[str], list[EmailMessage]]


@pytest.fixture
def code(request: pytest.FixtureRequest, site: str, desk: Desk, runtime: Runtime) -> str:
    """The example, or what the page shows, with the address of this test's server."""
    if request.param == "page":
        return _pieces(desk.get("/owner/forms/1/code"))["json"].replace(runtime.settings.site, site)
    found = re.search(r"```html\n(.*?)```", (ROOT / "docs" / "json.md").read_text(encoding="utf-8"), re.S)
    assert found is not None
    return found[1].replace("https://news.example.org", site)


BOTH = pytest.mark.parametrize("code", ["docs", "page"], indirect=True)


@BOTH
def test_an_owners_own_form_tells_what_is_wrong_and_signs_up(
    browser: Browser, blog: Blog, code: str, inbox: Inbox
) -> None:
    blog.widget, blog.policy, blog.style = code, "", ""
    page, wrong = opened(browser, blog)
    email, status = page.get_by_label("Your e-mail address"), page.get_by_role("status")
    email.fill("jane@example")
    email.press("Enter")
    expect(status).to_contain_text("e-mail address")
    email.fill("jane@gmial.com")
    email.press("Enter")
    expect(status).to_contain_text("Did you mean jane@gmail.com?")
    email.press("Enter")
    expect(status).to_have_text("We have sent you an e-mail. Open it and follow its link.")
    assert len(inbox("jane@gmial.com")) == 1, "who keeps it is believed"
    page.context.close()
    assert wrong == []


@BOTH
def test_without_a_connection_it_says_so_and_goes_on_afterwards(
    browser: Browser, blog: Blog, code: str, inbox: Inbox
) -> None:
    blog.widget, blog.policy, blog.style = code, "", ""
    page, _ = opened(browser, blog)
    email, status = page.get_by_label("Your e-mail address"), page.get_by_role("status")
    page.context.set_offline(True)
    email.fill("jane@example.com")
    email.press("Enter")
    expect(status).to_contain_text("That did not arrive.")
    page.context.set_offline(False)
    email.press("Enter")
    expect(status).to_contain_text("We have sent you an e-mail.")
    assert len(inbox("jane@example.com")) == 1
    page.context.close()


@BOTH
def test_on_a_strangers_site_nobody_is_signed_up(browser: Browser, site: str, code: str, inbox: Inbox) -> None:
    page = browser.new_context().new_page()
    html = f'<!doctype html><html lang="en"><title>x</title><body>{code}</body></html>'
    page.route("https://evil.example/", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto("https://evil.example/")
    page.get_by_label("Your e-mail address").fill("jane@example.com")
    page.get_by_label("Your e-mail address").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("That did not arrive.")
    assert inbox("jane@example.com") == []
    page.context.close()


def test_every_answer_of_the_table_is_given(browser: Browser, site: str, blog: Blog) -> None:
    """What needs no proof, asked as a page's script asks; `done`, `slip` and wrong fields are seen above."""
    blog.policy = ""
    page, _ = opened(browser, blog)
    ask = """async ([at, body]) => {
        const answer = await fetch(at, { method: "POST", headers: { "Content-Type": "application/json" }, body });
        return [answer.status, (await answer.json()).state];
    }"""
    assert page.evaluate(ask, [f"{site}/embed/{PAIN}", "not JSON"]) == [400, "error"]
    assert page.evaluate(ask, [f"{site}/embed/{PAIN}", '{"email": "jane@example.com"}']) == [403, "proof"]
    assert page.evaluate(ask, [f"{site}/embed/{PAIN}", '{"email": "jane"}']) == [422, "error"]
    assert page.evaluate(ask, [f"{site}/embed/nothing", "{}"]) == [404, "error"]
    page.context.close()
