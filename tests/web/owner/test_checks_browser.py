"""The checks before a campaign goes, in a real browser: each leads to where it is mended, and nothing typed is lost."""

from playwright.sync_api import Browser, Locator, Page, expect

from newsletter import sending
from newsletter.runtime import Runtime
from tests.dns_server import DnsServer
from tests.link_checks.test_work import Sites, run, sites
from tests.sending.test_again import dns, worker
from tests.web.owner.conftest import Desk
from tests.web.owner.test_browser import LOOKS, found_by_axe, pytestmark, signed_in, site
from tests.web.owner.test_links_fetched import GONE
from tests.web.owner.test_links_fetched import draft as linked
from tests.web.owner.test_sender_needs import go_public
from tests.web.owner.test_trial_panel import draft

__all__ = ["dns", "draft", "linked", "pytestmark", "site", "sites", "worker"]


def _is_sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


def _found(page: Page, words: str) -> Locator:
    """A line of the list."""
    return page.locator(".checks li").filter(has_text=words)


@LOOKS
def test_i_send_myself_a_test_and_find_my_time_again(
    browser: Browser, site: str, draft: str, width: int, scheme: str
) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}{draft}")
    expect(page.get_by_text("No test of it has been sent yet.")).to_be_visible()
    _found(page, "No test of it").get_by_role("link").click()
    expect(page.get_by_role("group", name="A test first")).to_be_in_viewport()
    page.get_by_label("Time", exact=True).fill("17:45")
    page.get_by_label("As this reader would get it").fill("jane@example.com")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("A test is on its way to paula@example.org.")).to_be_visible()
    expect(page.get_by_label("Time", exact=True)).to_have_value("17:45")
    expect(page.get_by_text("A test of it was sent as it stands.")).to_be_visible()
    _is_sound(page)
    page.context.close()


def test_enter_in_a_field_sends_nothing(browser: Browser, site: str, draft: str) -> None:
    page = signed_in(browser, site)
    page.goto(f"{site}{draft}")
    page.get_by_label("Send a test to").press("Enter")
    expect(page.get_by_text("No test of it has been sent yet.")).to_be_visible()
    expect(page.get_by_text("draft", exact=True).first).to_be_visible()
    page.context.close()


def test_a_check_leads_me_to_the_very_words(browser: Browser, site: str, draft: str, desk: Desk, article: int) -> None:
    text = {"title": "On walking", "subject": "S", "body": "Walk.\n\n" * 60 + "Hi {name}\n", "base": "1"}
    desk.post(f"/owner/articles/{article}/edit", **text)
    page = signed_in(browser, site)
    page.goto(f"{site}{draft}")
    _found(page, "Left over").get_by_role("link").click()
    expect(page.locator("#body")).to_be_focused()
    marked = "(area => area.value.slice(area.selectionStart, area.selectionEnd))(document.querySelector('#body'))"
    assert page.evaluate(marked) == "{name}"
    page.context.close()


@LOOKS
def test_links_are_fetched_as_i_look_and_the_dead_one_leads_me_to_its_place(
    browser: Browser, site: str, linked: str, runtime: Runtime, sites: Sites, width: int, scheme: str
) -> None:
    sites.answers = {GONE: 404}
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}{linked}")
    expect(page.get_by_text("Being fetched: 0 of 3 so far.")).to_be_visible()
    _is_sound(page)
    assert run(runtime) == 3
    expect(page.get_by_text("1 of 3 does not answer:")).to_be_visible()
    expect(page.get_by_text("Nothing stands at this address (any more).")).to_be_visible()
    _is_sound(page)
    page.get_by_role("link", name="Change it in the text").click()
    marked = "(area => area.value.slice(area.selectionStart, area.selectionEnd))(document.querySelector('#body'))"
    expect(page.locator("#body")).to_be_focused()
    assert page.evaluate(marked) == GONE
    page.context.close()


def test_without_a_script_a_button_fetches_them(
    browser: Browser, site: str, linked: str, runtime: Runtime, sites: Sites
) -> None:
    page = signed_in(browser, site, java_script_enabled=False)
    page.goto(f"{site}{linked}")
    page.get_by_role("button", name="Fetch them").click()
    expect(page.get_by_text("Being fetched: 0 of 3 so far.")).to_be_visible()
    run(runtime)
    page.reload()
    expect(page.get_by_text("3 links of other sites answer.")).to_be_visible()
    page.context.close()


@LOOKS
def test_home_tells_me_of_my_domain_and_leads_to_what_to_publish(
    browser: Browser, site: str, runtime: Runtime, worker: Runtime, dns: DnsServer, width: int, scheme: str
) -> None:
    go_public(runtime, worker)
    dns.zone = {name: found for name, found in dns.zone.items() if not name.startswith("_dmarc")}
    sending.look_again(worker)
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    expect(page.get_by_text("Your domain human-movement.com has no DMARC record")).to_be_visible()
    _is_sound(page)
    page.get_by_role("link", name="What to publish, and check again").click()
    expect(page.get_by_role("heading", name="Sender and domain")).to_be_in_viewport()
    page.context.close()
