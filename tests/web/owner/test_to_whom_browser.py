"""Paula chooses to whom a campaign goes, in a real browser and once without a script; axe finds nothing on the way."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from newsletter import articles, brand, campaigns
from newsletter.campaigns import Campaign, together
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import retag, segments
from newsletter.subscribers.segments import Rules
from newsletter.subscribers.segments.rules import HasTag
from tests.conftest import NOON
from tests.test_continuation import cancel, deliver
from tests.web.owner.test_browser import LOOKS, found_by_axe, pytestmark, signed_in, site

__all__ = ["pytestmark", "site"]
A_MINUTE = timedelta(minutes=1)
"""Long enough that a press can no longer be taken back."""


@pytest.fixture
def readers(runtime: Runtime, person: Callable[..., int]) -> None:
    """Six readers, an article on golf, and two segments: Ann, Ben and Cy train; Ann has asked for the guide."""
    ids = [person(f"{name.lower()}@example.com", name) for name in ("Ann", "Ben", "Cy", "Dora", "Eve", "Flo")]
    with runtime.database.transaction() as session:
        for id, tags in zip(ids, (["training", "guide"], ["training"], ["training"]), strict=False):
            retag(session, id, tags)
        segments.save(session, "Training", Rules(HasTag("training")), NOON)
        segments.save(session, "Asked for the guide", Rules(HasTag("guide")), NOON)
        articles.write(session, NOON, title="Golf", subject="Golf, and your back", body="Turn both ways.")


def _is_sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


def _accept(page: Page) -> None:
    if page.get_by_label("I have read the warnings").count():
        page.get_by_label("I have read the warnings").check()


@LOOKS
def test_i_write_to_readers_of_training_but_not_to_those_who_asked_for_the_guide(
    browser: Browser, site: str, runtime: Runtime, sent: SentList, clock: FixedClock, readers: None, width: int,
    scheme: str,
) -> None:  # fmt: skip
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/campaigns/new")
    page.get_by_label("Article", exact=True).select_option(label="Golf")
    page.get_by_label("Audience", exact=True).select_option(label="3 people: in the segment “Training”")
    place = page.locator(".whom")
    expect(place.get_by_text("3 people")).to_be_visible()  # as soon as it is chosen
    expect(place.get_by_role("link", name="Cy (cy@example.com)")).to_be_visible()
    page.get_by_text("Leave some of them out").press("Enter")
    page.get_by_label("Asked for the guide", exact=True).check()
    expect(place.get_by_text("2 people")).to_be_visible()
    expect(place.get_by_text("but not those in “Asked for the guide”")).to_be_visible()
    expect(place.get_by_role("link", name="Ann")).to_have_count(0)
    _is_sound(page)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("but not those in “Asked for the guide”: 2 now.")).to_be_visible()
    _is_sound(page)
    page.get_by_label("Now", exact=True).check()
    _accept(page)
    page.get_by_role("button", name="Send to 2 people", exact=True).click()
    page.goto(f"{site}/owner/results")
    clock.forward(A_MINUTE)
    deliver(runtime)
    assert sorted(one.recipient for one in sent.envelopes) == ["ben@example.com", "cy@example.com"]
    page.context.close()


@LOOKS
def test_i_see_who_gets_two_mails_tomorrow_and_leave_them_out(
    browser: Browser, site: str, runtime: Runtime, readers: None, width: int, scheme: str
) -> None:
    with runtime.database.transaction() as session:
        article = articles.write(session, NOON, title="Evening news", subject="s", body="b")
        other = Campaign(article=article, created_at=NOON, segment_tag="training")
        session.add(other)
        together.schedule(session, other, NOON.replace(day=NOON.day + 1, hour=17), brand.current(session))
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/campaigns/new")
    page.get_by_label("Article", exact=True).select_option(label="Golf")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("3 of them get another mail from you that day.")).to_be_visible()
    page.get_by_label("Date", exact=True).fill("2026-06-03")
    page.get_by_label("Date", exact=True).blur()
    expect(page.get_by_text("None of them gets another mail from you that day")).to_be_visible()
    page.get_by_label("Date", exact=True).fill("2026-06-02")
    page.get_by_label("Date", exact=True).blur()
    expect(page.get_by_text("3 of them get another mail from you that day.")).to_be_visible()
    _is_sound(page)
    page.get_by_role("link", name="See who they are").click()
    expect(page.get_by_role("link", name="Ann (ann@example.com)")).to_be_visible()
    _is_sound(page)
    page.get_by_role("link", name="Back", exact=True).click()
    expect(page.get_by_role("button", name="Schedule for 6 people", exact=True)).to_be_visible()
    page.get_by_label("Leave out who gets another mail from you that day").check()
    _accept(page)
    page.get_by_role("button", name="Schedule for 3 people", exact=True).click()
    expect(page.get_by_text("but not those who get another mail that day: 3 now.")).to_be_visible()
    _is_sound(page)
    page.context.close()


@LOOKS
def test_i_called_it_off_too_soon_and_send_it_to_the_rest(
    browser: Browser, site: str, runtime: Runtime, sent: SentList, clock: FixedClock, readers: None, width: int,
    scheme: str,
) -> None:  # fmt: skip
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/campaigns/new")
    page.get_by_label("Article", exact=True).select_option(label="Golf")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(re.compile(r"/campaigns/\d+$"))
    id = int(page.url.rsplit("/", 1)[1])
    with runtime.database.transaction() as session:
        together.schedule(session, session.get_one(Campaign, id), clock.now(), brand.current(session))
        campaigns.launch_due(session, clock.now())
        campaigns.fill_next(session, clock.now(), 2)
    runtime.delivery.run(Lane.BULK)
    cancel(runtime, id)
    page.goto(f"{site}/owner/campaigns/{id}")
    expect(page.get_by_text("4 people of its audience were not sent it.")).to_be_visible()
    _is_sound(page)
    page.get_by_role("button", name="Send to the rest").click()
    expect(page.get_by_text("It goes to the rest of")).to_be_visible()
    _is_sound(page)
    page.get_by_label("Now", exact=True).check()
    _accept(page)
    page.get_by_role("button", name="Send to 4 people", exact=True).click()
    page.goto(f"{site}/owner/results")
    clock.forward(A_MINUTE)
    deliver(runtime)
    assert len(sent.envelopes) == len({one.recipient for one in sent.envelopes}) == 6
    page.context.close()


@LOOKS
def test_the_button_says_what_it_does_and_the_fields_of_a_test_show_once_i_want_one(
    browser: Browser, site: str, readers: None, width: int, scheme: str
) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/campaigns/new")
    page.get_by_label("Article", exact=True).select_option(label="Golf")
    page.get_by_text("Test two subjects, or two articles, first (A/B)").press("Enter")
    share = page.get_by_label("Share of the audience, in percent")
    expect(page.get_by_label("No test")).to_be_visible()
    expect(share).to_be_hidden()
    page.get_by_label("Two articles").check()
    expect(page.get_by_label("Article B")).to_be_visible()
    expect(page.get_by_label("Subject of B")).to_be_hidden()
    page.get_by_label("Two subjects").check()
    expect(page.get_by_label("Subject of B")).to_be_visible()
    expect(share).to_be_visible()
    _is_sound(page)
    page.get_by_label("No test").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Schedule for 6 people", exact=True)).to_be_visible()
    page.get_by_label("Now", exact=True).check()
    expect(page.get_by_role("button", name="Send to 6 people", exact=True)).to_be_visible()
    page.get_by_label("At everyone’s own time").check()
    expect(page.get_by_role("button", name="Schedule for 6 people", exact=True)).to_be_visible()
    page.context.close()


def test_without_a_script_a_button_shows_who_would_get_it(browser: Browser, site: str, readers: None) -> None:
    page = signed_in(browser, site, java_script_enabled=False, viewport={"width": 375, "height": 800})
    page.goto(f"{site}/owner/campaigns/new")
    page.get_by_label("Article", exact=True).select_option(label="Golf")
    page.get_by_text("Leave some of them out").press("Enter")
    page.get_by_label("Training", exact=True).check()
    page.get_by_role("button", name="Show who would get it").click()
    expect(page.get_by_text("Flo (flo@example.com)")).to_be_visible()
    expect(page.get_by_text("but not those in “Training”")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("but not those in “Training”: 3 now.")).to_be_visible()
    page.get_by_label("Now", exact=True).check()
    expect(page.get_by_role("button", name="Send to 3 people", exact=True)).to_be_visible()
    page.context.close()
