"""What is typed in the composer, in a real browser: no closed tab, lost connection or second window loses it."""

import re

from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from newsletter.drafts import Draft
from newsletter.runtime import Runtime
from tests.web.owner.test_articles import revisions
from tests.web.owner.test_browser import EMAIL, PASSWORD, pytestmark, site
from tests.web.owner.test_composer_browser import page

__all__ = ["page", "pytestmark", "site"]


def kept(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return [one.typed["body"] for one in session.scalars(select(Draft).order_by(Draft.id)) if not one.closed_at]


def until_kept(page: Page) -> None:
    expect(page.locator("[data-state]")).to_contain_text("Kept as a draft")


def test_a_closed_tab_loses_nothing(page: Page, site: str, runtime: Runtime, article: int) -> None:
    page.goto(f"{site}/owner/articles/{article}/edit")
    page.get_by_label("Text", exact=True).press("Control+End")
    page.keyboard.type("An hour's work.")
    page.goto(f"{site}/owner/settings")  # at once, before a draft was sent
    page.goto(f"{site}/owner/articles/{article}/edit")
    page.get_by_role("link", name=re.compile("Go on with them|Look at them")).click()  # one offer, not two
    expect(page.get_by_label("Text", exact=True)).to_have_value(re.compile("An hour's work."))
    assert len(revisions(runtime, article)) == 1


def test_without_a_connection_it_stays_in_the_browser_and_goes_out_when_that_is_back(
    page: Page, site: str, runtime: Runtime, article: int
) -> None:
    page.goto(f"{site}/owner/articles/{article}/edit")
    page.context.set_offline(True)
    page.get_by_label("Text", exact=True).press("Control+End")
    page.keyboard.type("Written in a tunnel.")
    expect(page.locator("[data-state]")).to_contain_text("What you typed is kept in this browser.")
    assert kept(runtime) == []
    page.context.set_offline(False)
    until_kept(page)
    assert "Written in a tunnel." in kept(runtime)[0]


def test_what_never_reached_the_server_is_brought_there_the_next_time(
    page: Page, site: str, runtime: Runtime, article: int
) -> None:
    page.goto(f"{site}/owner/articles/{article}/edit")

    def fail(route: Route) -> None:
        route.abort()

    page.route("**/owner/articles/draft", fail)
    page.get_by_label("Text", exact=True).press("Control+End")
    page.keyboard.type("The server was away.")
    expect(page.locator("[data-state]")).to_contain_text("kept in this browser")
    page.goto("about:blank")
    page.unroute("**/owner/articles/draft", fail)
    page.goto(f"{site}/owner/articles/new")
    page.get_by_role("link", name="Look at them").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value(re.compile("The server was away."))
    assert page.url.startswith(f"{site}/owner/articles/{article}/edit?draft=")
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_signed_out_meanwhile_it_is_kept_and_goes_on_behind_signing_in(
    page: Page, site: str, runtime: Runtime, article: int
) -> None:
    page.goto(f"{site}/owner/articles/{article}/edit")
    page.context.clear_cookies()
    page.get_by_label("Text", exact=True).press("Control+End")
    page.keyboard.type("Still here.")
    expect(page.locator("[data-state]")).to_contain_text("You are signed out.")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in again").click()
    other = opened.value
    other.locator("input[name=email]").fill(EMAIL)
    other.locator("input[name=password]").fill(PASSWORD)
    other.keyboard.press("Enter")
    other.wait_for_url("**/owner/")
    other.close()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    until_kept(page)
    assert "Still here." in kept(runtime)[0]
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    assert "Still here." in revisions(runtime, article)[-1]
    assert kept(runtime) == []


def test_two_tabs_both_keep_theirs_and_the_second_save_shows_both(
    page: Page, site: str, runtime: Runtime, article: int
) -> None:
    other = page.context.new_page()
    for one, words in ((page, "From the first."), (other, "From the second.")):
        one.goto(f"{site}/owner/articles/{article}/edit")
        one.get_by_label("Text", exact=True).press("Control+End")
        one.keyboard.type(words)
    for one in (page, other):
        until_kept(one)
    assert len(kept(runtime)) == 2
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    other.keyboard.type(" More.")
    expect(other.locator("[data-state]")).to_contain_text("Revision 2 was saved")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("group", name="What was changed in the text")).to_contain_text("From the first.")
    expect(other.get_by_label("Text", exact=True)).to_have_value(re.compile("From the second. More."))
    assert len(revisions(runtime, article)) == 2


def test_back_behind_a_save_is_a_draft_of_its_own(page: Page, site: str, runtime: Runtime, article: int) -> None:
    page.goto(f"{site}/owner/articles/{article}/edit")
    page.get_by_label("Text", exact=True).press("Control+End")
    page.keyboard.type("Saved.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    page.go_back()
    page.get_by_label("Text", exact=True).press("Control+End")
    page.keyboard.type("And more.")
    expect(page.locator("[data-state]")).to_contain_text("Kept as a draft")
    assert "And more." in kept(runtime)[0]


def test_two_hundred_thousand_characters_are_kept(page: Page, site: str, runtime: Runtime) -> None:
    page.goto(f"{site}/owner/articles/new")
    page.get_by_label("Text", exact=True).fill("word " * 40_000)
    until_kept(page)
    assert len(kept(runtime)[0]) == 200_000
    expect(page.locator("[data-checks]")).to_contain_text("Gmail cuts off what is larger")


def test_more_than_a_mail_carries_is_kept_too_and_told(page: Page, site: str, runtime: Runtime, article: int) -> None:
    page.goto(f"{site}/owner/articles/{article}/edit")
    page.get_by_label("Text", exact=True).fill("word " * 50_000)
    until_kept(page)
    assert len(kept(runtime)[0]) == 250_000
    expect(page.locator("[data-problem]")).to_contain_text("is the most a mail can carry")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("Your text is still here.")
    expect(page.get_by_label("Text", exact=True)).to_have_value("word " * 50_000)
    assert len(revisions(runtime, article)) == 1
