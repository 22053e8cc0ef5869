"""The proof of work in a real browser, with as much work as visitors have: nobody sees it or is kept out by it."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Page, expect

from newsletter.clock import FixedClock
from newsletter.web import robots
from tests import chromium
from tests.web.conftest import FIFTY, PAIN
from tests.web.embed.conftest import Blog, opened, script

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
Inbox = Callable[[str], list[EmailMessage]]
PRESS = "One more press"


@pytest.fixture(autouse=True)
def _real_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots, "LEAST_WORK", 20_000)
    monkeypatch.setattr(robots, "MOST_WORK", 60_000)


def fill(page: Page, slug: str, email: str) -> None:
    """Type an address into a box of our own page, and press its button."""
    box = page.locator(f"#{slug}-form")
    box.get_by_label("Your e-mail address").fill(email)
    box.get_by_role("button").click()


@pytest.mark.parametrize("path", ["/", f"/guides/{FIFTY}", f"/f/{FIFTY}"])
def test_our_own_pages_prove_it_while_somebody_types(browser: Browser, site: str, inbox: Inbox, path: str) -> None:
    page = browser.new_context().new_page()
    wrong: list[str] = []
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(f"{site}{path}")
    assert not any(url.endswith(".json") for url in asked), "nothing is asked before somebody types"
    fill(page, FIFTY, "jane@example.com")
    page.wait_for_url(f"{site}/check-your-inbox**")
    assert len(inbox("jane@example.com")) == 1
    page.go_back()
    fill(page, FIFTY, "joan@example.com")
    page.wait_for_url(f"{site}/check-your-inbox**")
    assert len(inbox("joan@example.com")) == 1, "who comes back makes another one"
    page.context.close()
    assert wrong == []


def test_without_script_the_page_with_the_button_answers(browser: Browser, site: str, inbox: Inbox) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{site}/guides/{FIFTY}")
    fill(page, FIFTY, "jane@example.com")
    expect(page.get_by_role("heading", name=PRESS)).to_be_visible()
    assert inbox("jane@example.com") == []
    page.locator("form").first.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.goto(f"{site}/embed/{PAIN}")
    page.get_by_label("Your e-mail address").fill("joan@example.com")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_have_text(
        "Robots send forms too. They do not press a second time, so we ask you to."
    )
    assert inbox("joan@example.com") == []
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("joan@example.com")) == 1
    page.context.close()


def test_where_the_challenge_cannot_be_had_the_page_with_the_button_answers(
    browser: Browser, site: str, inbox: Inbox
) -> None:
    page = browser.new_context().new_page()
    page.route("**/*.json", lambda route: route.abort())
    page.goto(f"{site}/")
    fill(page, PAIN, "jane@example.com")
    expect(page.get_by_role("heading", name=PRESS)).to_be_visible()
    page.locator("form").first.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.context.close()


def test_a_proof_that_grew_old_is_made_anew_and_nobody_notices(
    browser: Browser, site: str, blog: Blog, inbox: Inbox, clock: FixedClock
) -> None:
    blog.widget = script(site)
    page, wrong = opened(browser, blog)
    with page.expect_response("**/*.json"):
        page.get_by_label("Your e-mail address").fill("jane@example.com")
    clock.forward(timedelta(hours=2))
    page.get_by_role("button", name="Send me the guide").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.context.close()
    assert wrong == []


def test_a_script_that_no_proof_helps_leads_to_our_page(
    browser: Browser, site: str, blog: Blog, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where each request comes by another network: no proof is from who sends it."""
    monkeypatch.setattr(robots, "PROOF_LIFE", timedelta(seconds=-1))
    blog.widget = script(site)
    page, _ = opened(browser, blog)
    page.get_by_label("Your e-mail address").fill("jane@example.com")
    page.get_by_role("button", name="Send me the guide").click()
    page.wait_for_url(f"{site}/f/{PAIN}")
    page.locator("form").first.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    assert len(inbox("jane@example.com")) == 1
    page.context.close()


def test_typing_goes_on_while_the_proof_is_made(browser: Browser, site: str) -> None:
    """Between two slices the browser serves its page, on a processor a fourth as quick as this one too."""
    page = browser.new_context().new_page()
    page.goto(f"{site}/guides/{FIFTY}")
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    slices = page.evaluate("""async (url) => {
        let turns = 0, run = true;
        const turn = () => { turns++; run && setTimeout(turn); };
        turn();
        const proof = await prove(url);
        run = false;
        return [turns, JSON.parse(atob(proof)).solution.counter];
    }""", f"{site}/embed/{FIFTY}.json")  # fmt: skip
    assert slices[1] >= 20_000 and slices[0] > 10
    page.context.close()
