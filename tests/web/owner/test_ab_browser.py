"""Paula tests two subjects, in a real browser, and once more without a script; axe finds nothing on the way."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from newsletter import articles
from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from tests.campaigns.conftest import Stage, people
from tests.clicking import BODY, count_clicks
from tests.web.owner.test_browser import LOOKS, found_by_axe, pytestmark, signed_in, site

__all__ = ["pytestmark", "site"]


@pytest.fixture
def golf(runtime: Runtime) -> None:
    """An article with links, for a hundred readers, with clicks counted."""
    people(runtime, 100)
    count_clicks(runtime)
    with runtime.database.transaction() as session:
        articles.write(session, runtime.clock.now(), title="Golf", subject="Golf, and your back", body=BODY)


def _is_sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


@LOOKS
def test_i_try_two_subjects_and_send_the_better_one_to_everybody_else(
    browser: Browser, site: str, runtime: Runtime, clock: FixedClock, sent: SentList, golf: None, width: int,
    scheme: str,
) -> None:  # fmt: skip
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/campaigns/new")
    page.get_by_label("Article", exact=True).select_option(label="Golf")
    page.get_by_text("Test two subjects, or two articles, first (A/B)").press("Enter")
    _is_sound(page)
    page.get_by_label("Two subjects").check()
    page.get_by_label("Share of the audience, in percent").fill("0")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Write the other subject.")).to_be_visible()  # and the part stays open
    _is_sound(page)
    page.get_by_label("Subject of B").fill("Why your swing hurts")
    page.get_by_label("Share of the audience, in percent").fill("60")
    page.get_by_label("What clearly more people click").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="A/B test", exact=True)).to_be_visible()
    _is_sound(page)
    made = Stage(runtime, clock, sent, int(page.url.rsplit("/", 1)[1]))
    made.draw()
    page.get_by_label("Now", exact=True).check()
    if page.get_by_label("I have read the warnings").count():
        page.get_by_label("I have read the warnings").check()
    page.get_by_role("button", name="Start the test with").click()
    page.wait_for_selector("[data-watch]")
    page.goto(f"{site}/owner/results")  # that page looks by itself, and would be on its way while we go there again
    clock.forward(timedelta(seconds=10))
    made.beat()
    made.click(made.test().a_id, 4)
    made.click(made.test().b_id, 7)
    page.goto(f"{site}/owner/campaigns/{made.test().a_id}")
    expect(page.locator("[data-watch]")).to_have_count(0)
    expect(page.get_by_text("Too few to tell: B may be")).to_be_visible()
    expect(page.get_by_role("img", name="A: ")).to_be_visible()
    _is_sound(page)
    made.end()
    page.goto(f"{site}/owner/")
    page.get_by_role("link", name="choose what of “Golf” goes to the rest").click()
    expect(page.get_by_text("The A/B test waits for you.")).to_be_visible()
    _is_sound(page)
    page.get_by_role("button", name="Send B to the rest").press("Enter")
    expect(page.get_by_text("B goes to the rest in 10 seconds.")).to_be_visible()
    _is_sound(page)
    clock.forward(timedelta(seconds=10))
    made.beat()
    expect(page.get_by_role("heading", name="Result", exact=True)).to_be_visible()  # it has looked by itself
    expect(page.locator("[data-watch]")).to_have_count(0)  # and does no more: nothing comes between us and the link
    page.get_by_role("link", name="A/B test of “Golf”").click()
    expect(page.get_by_text("B was chosen by you")).to_be_visible()
    _is_sound(page)
    page.goto(f"{site}/owner/results")
    _is_sound(page)
    page.context.close()
    assert len(sent.envelopes) == 100


def test_without_a_script_and_by_the_keyboard_alone(browser: Browser, site: str, golf: None) -> None:
    page = signed_in(browser, site, java_script_enabled=False, viewport={"width": 375, "height": 800})
    page.goto(f"{site}/owner/campaigns/new")
    page.get_by_text("Test two subjects, or two articles, first (A/B)").press("Enter")
    page.get_by_label("No test").press("ArrowDown")
    page.get_by_label("Subject of B").press_sequentially("Why your swing hurts")
    page.get_by_label("Subject of B").press("Enter")
    expect(page.get_by_text("“Why your swing hurts”")).to_be_visible()
    expect(page.get_by_text("you are asked what goes to all others")).to_be_visible()
    page.context.close()
