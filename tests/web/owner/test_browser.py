"""The owner's pages in a real browser: nothing for axe to find, nothing too wide, numbers that move by themselves."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from newsletter import campaigns
from newsletter.articles import Article
from newsletter.brand import current
from newsletter.campaigns import Campaign
from newsletter.forms import Form
from newsletter.mail.ledger import Lane, Message, State
from newsletter.runtime import Runtime
from newsletter.subscribers import Field, FieldKind, set_values
from tests import chromium
from tests.conftest import NOON
from tests.feeds.blog import add_feed
from tests.web.owner.conftest import EMAIL, PASSWORD

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
LOOKS = pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (320, "light")])
"""A width has no say in a colour: both widths and both schemes are seen, not each with each."""
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
LOOK = """;axe.run({iframes: false}).then(seen => JSON.stringify(seen.violations.map(
    one => [one.id, one.nodes.map(node => node.html.slice(0, 200))])))"""
PAGES = (
    "", "write", "write?state=series&q=a", "write?q=zzzz",
    "articles/new", "articles/1", "articles/1/edit", "campaigns/new", "campaigns/1",
    "campaigns/2", "campaigns/2/recipients", "campaigns/2/cancel", "campaigns/1/two-mails",
    "series", "series/1", "guides", "guides/new",
    "guides/1/edition", "guides/1/page", "pictures", "subscribers/1/edit", "subscribers",
    "articles/bring-over", "feeds", "feeds/1",
    "subscribers/import", "subscribers/imports", "subscribers/actions", "subscribers/actions/new?do=erase",
    "subscribers/actions/new?do=edition&guide=1", "subscribers/tag?name=spring&verb=tag", "subscribers/1/address",
    "subscribers?q=nobody", "subscribers?in_series=1&zone=Mars",
    "subscribers/1", "messages", "messages?state=failed", "settings",
    "reports", "throw-away", "sending", "search?q=a", "search", "subscribers/1/consent", "second-factor", "passkeys",
    "forms", "forms/1", "forms/3", "forms/1/code", "forms/1/delete", "fields", "topics",
    "topics/1",
    "team", "fields/new", "fields/1", "fields/2", "fields/1/delete", "audit", "audit?what=no",
    "subscribers/actions/new?do=remind", "theme", "texts", "texts/guide",
    "texts/digest", "address/x", "address/not-me/x",
    "privacy", "data", "examples", "mails", "results",
    "results/articles/1", "results/forms", "results/forms/1", "nothing",
)  # fmt: skip


@pytest.fixture
def site(app: Flask, owner: int) -> Iterator[str]:
    """The application on a free port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def going_out(runtime: Runtime, person: Callable[..., int]) -> int:
    """A campaign to forty people, some with long or hostile names, of whom nobody has it yet."""
    for number in range(40):
        person(
            f"a-rather-long-address-{number:02}@mail.example.com", ("<b>Jane</b>", "{{7*7}}", "W" * 80, "")[number % 4]
        )
    with runtime.database.transaction() as session:
        article = session.scalars(select(Article).order_by(Article.id.desc())).first()
        assert article is not None
        campaign = Campaign(article=article, created_at=runtime.clock.now())
        session.add(campaign)
        campaign.schedule(runtime.clock.now(), current(session))
        session.flush()
        id = campaign.id
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, runtime.clock.now())
    for _ in range(2):
        with runtime.database.transaction() as session:
            campaigns.fill_next(session, runtime.clock.now())
    return id


@pytest.fixture
def crowded(going_out: int, runtime: Runtime) -> int:
    """That campaign, in an installation with mishaps, a feed and fields of an owner's whose words are long."""
    with runtime.database.transaction() as session:
        first, second = session.scalars(select(Message).order_by(Message.id).limit(2))
        first.state, second.state = State.UNCERTAIN, State.FAILED
        long, choice = "W" * 80, FieldKind.CHOICE
        session.add_all([
            Field(key="x" * 40, label=long, fallback=long, created_at=NOON),
            Field(key="plan", label="<b>Plan</b>", kind=choice, choices=[long, "b"], created_at=NOON),
        ])  # fmt: skip
        session.flush()
        set_values(session, 1, dict.fromkeys(session.scalars(select(Field)), long))
        session.get_one(Form, 1).asks_fields = ["x" * 40, "plan"]
    add_feed(runtime, f"https://blog.example/{'w' * 80}")
    return going_out


def signed_in(browser: Browser, site: str, **options: Any) -> Page:
    """A page of a browser that Paula has signed in with, by the keyboard."""
    page = browser.new_context(**options).new_page()
    page.goto(f"{site}/owner/login")
    expect(page.locator("input[name=email]")).to_be_focused()  # by itself, but not before the page is ready
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/owner/")
    return page


def found_by_axe(page: Page) -> str:
    """What axe objects to, as JSON. Run from outside the page: its policy lets no foreign script in."""
    page.wait_for_load_state()  # a click comes back as soon as the next page has begun
    session = page.context.new_cdp_session(page)
    answer = session.send("Runtime.evaluate", {"expression": AXE + LOOK, "awaitPromise": True, "returnByValue": True})
    return str(answer["result"]["value"])


def _counts(told: str) -> bool:
    """The pages that are not there are asked for on purpose; covers in mails stand at PUBLIC_URL, not at this port."""
    return "404" not in told and "410" not in told and "http://localhost:8000/guides/" not in told


@LOOKS
@pytest.mark.usefixtures("crowded")
def test_axe_finds_nothing_and_nothing_is_too_wide(browser: Browser, site: str, width: int, scheme: str) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" and _counts(told.text) else None)
    for path in PAGES:
        page.goto(f"{site}/owner/{path}")
        assert page.locator("html").get_attribute("data-bs-theme") == scheme
        assert found_by_axe(page) == "[]", path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    page.context.close()
    assert errors == []


@LOOKS
def test_other_words_are_written_looked_at_and_set(
    browser: Browser, site: str, going_out: int, runtime: Runtime, width: int, scheme: str
) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)

    def sound() -> None:
        assert found_by_axe(page) == "[]", page.title()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.title()

    page.goto(f"{site}/owner/campaigns/{going_out}")
    page.get_by_role("link", name="Change the words…").click()
    sound()
    page.get_by_role("button", name="Pause it and change the words").click()
    sound()
    page.get_by_label("Text").fill("{{ greeting }},\n\nserve.")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Preview").click()
    expect(opened.value.locator("body")).to_contain_text("serve.")
    opened.value.close()
    page.get_by_role("button", name="Look it over").click()
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("serve.")
    sound()
    page.get_by_role("button", name="Back to the text").click()
    expect(page.get_by_label("Text")).to_have_value("{{ greeting }},\n\nserve.")
    page.get_by_role("button", name="Look it over").click()
    page.get_by_role("button", name="Set these words").click()
    expect(page.get_by_role("status")).to_contain_text("The new words are set (revision 2).")
    assert page.get_by_role("button", name="Resume").is_visible()
    page.context.close()


def test_the_numbers_of_a_campaign_move_by_themselves(
    browser: Browser, site: str, going_out: int, runtime: Runtime
) -> None:
    page = signed_in(browser, site)
    page.goto(f"{site}/owner/campaigns/{going_out}")
    assert page.inner_text("[data-live=done]") == "0"
    runtime.delivery.run(Lane.BULK)
    expect(page.locator("[data-live=done]")).to_have_text("40")
    expect(page.locator("[data-live=sent]")).to_have_text("40")
    with runtime.database.transaction() as session:
        assert campaigns.finish_done(session, runtime.clock.now()) == 1
    expect(page.get_by_role("heading", name="Result")).to_be_visible()
    page.context.close()


def test_a_double_click_posts_once_and_the_menu_opens_on_a_phone(
    browser: Browser, site: str, runtime: Runtime, article: int
) -> None:
    page = signed_in(browser, site, viewport={"width": 375, "height": 800})
    menu = page.locator('nav[aria-label="Owner\'s area"]')
    assert not menu.is_visible()
    page.get_by_role("button", name="More").press("Enter")
    assert menu.is_visible()
    page.goto(f"{site}/owner/articles/{article}")
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Send a test to me").dblclick()
    page.wait_for_selector(".alert")
    page.context.close()
    assert len(posted) == 1


def test_everything_is_there_without_javascript(browser: Browser, site: str, going_out: int) -> None:
    page = signed_in(browser, site, java_script_enabled=False, viewport={"width": 375, "height": 800})
    assert page.get_by_role("link", name="People").is_visible()
    page.goto(f"{site}/owner/campaigns/{going_out}")
    page.get_by_role("button", name="Pause").click()
    assert "Paused." in page.inner_text("main")
    page.context.close()
