"""Paula sends a campaign at everyone's own nine o'clock, in a real browser; axe finds nothing on the way."""

from datetime import timedelta

from playwright.sync_api import Browser, Page, expect

from newsletter.runtime import Runtime
from tests.campaigns.own_time_world import HONOLULU, NEW_YORK, TOKYO, World, utc, world
from tests.web.owner.test_browser import LOOKS, found_by_axe, pytestmark, signed_in, site
from tests.web.owner.test_own_time import click_around_six

__all__ = ["pytestmark", "site", "world"]


def _is_sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


@LOOKS
def test_i_send_it_so_that_everybody_has_it_at_nine_by_their_own_clock(
    browser: Browser, site: str, world: World, runtime: Runtime, width: int, scheme: str
) -> None:
    japanese = world.add(TOKYO, 60)
    world.add(NEW_YORK, 4)
    world.add(HONOLULU, 2)
    world.add(None, 3)
    click_around_six(runtime, japanese)
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/campaigns/{world.id}")
    expect(page.get_by_text("Your readers click most between 18:00 and 19:00")).to_be_visible()
    page.get_by_role("link", name="Choose 18:00").click()
    expect(page.get_by_label("Time", exact=True)).to_have_value("18:00")
    expect(page.get_by_label("At everyone’s own time")).to_be_checked()
    page.get_by_label("Time", exact=True).fill("09:00")
    page.get_by_label("Time", exact=True).blur()
    expect(page.get_by_text("On your clock the first get it Tue 2 Jun 2026, 01:00 BST")).to_be_visible()
    page.get_by_label("Date", exact=True).fill("2026-06-01")
    page.get_by_label("Date", exact=True).blur()
    expect(page.get_by_text("For 63 people 09:00 of that day has passed: they get it at once.")).to_be_visible()
    _is_sound(page)
    page.get_by_label("Date", exact=True).fill("2026-06-02")
    page.get_by_label("Date", exact=True).blur()
    page.get_by_text("Who gets it when: 4 times").click()  # what stands there may still be about the day before
    expect(page.get_by_role("cell", name="Asia/Tokyo")).to_be_visible()
    _is_sound(page)
    if page.get_by_label("I have read the warnings").count():
        page.get_by_label("I have read the warnings").check()
    page.get_by_role("button", name="Schedule for 69 people").click()
    expect(page.get_by_text("It goes out at everyone’s own 09:00").first).to_be_visible()
    _is_sound(page)
    page.goto(f"{site}/owner/settings")  # its own look every second would be on its way while we go there again
    world.pass_to(utc(2, 0), timedelta(hours=13))
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}/owner/campaigns/{world.id}")
    expect(page.get_by_text("wait for their own 09:00")).to_be_visible()
    expect(page.get_by_text("the next get it Tue 2 Jun 2026, 09:00 BST")).to_be_visible()
    _is_sound(page)
    page.goto(f"{site}/owner/")
    expect(page.get_by_text("at everyone’s own 09:00").first).to_be_visible()
    _is_sound(page)
    page.goto(f"{site}/owner/subscribers/66")
    expect(page.get_by_text("09:00 on their own clock")).to_be_visible()
    _is_sound(page)
