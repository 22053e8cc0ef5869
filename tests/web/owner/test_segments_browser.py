"""Segments in a real browser, with its scripts switched off: clicking is enough, and axe finds nothing."""

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from newsletter.articles import Article
from newsletter.runtime import Runtime
from newsletter.subscribers import FieldKind, add_field, segments
from newsletter.subscribers.segments import Group, How, Rules
from newsletter.subscribers.segments import rules as r
from tests.conftest import NOON
from tests.web.owner.test_browser import LOOKS, PASSWORD, found_by_axe, pytestmark, signed_in, site

__all__ = ["pytestmark", "site"]
EVERY = Group(How.ALL, (
    r.HasStatus(r.Status.CONFIRMED), r.HasTag("runners"), r.JoinedLately(30), r.JoinedBefore(NOON.date()),
    Group(How.ANY, (
        r.AskedFor("exercise-at-50"), r.Fetched("recover-from-pain"), r.SignedUpBy(1), r.InZone("Europe/London"),
        r.TakesTopic(1),
        Group(How.NONE, (r.TakesNewsletter(False), r.Called("w" * 200), r.WasSent(7), r.SentLately(3))),
    )),
    r.HasField("size", FieldKind.CHOICE, r.Compare.IS, "L"),
    r.HasField("town", FieldKind.TEXT, r.Compare.CONTAINS, "York"),
    r.HasField("born", FieldKind.DATE, r.Compare.MORE, "1960-01-01"),
    r.HasField("gone", FieldKind.TEXT, r.Compare.IS, "x"),
))  # fmt: skip


@pytest.fixture
def saved(runtime: Runtime, runners: tuple[int, ...]) -> int:
    """A segment with every kind of rule, of which two name what is not there."""
    with runtime.database.transaction() as session:
        for key, kind in (("size", FieldKind.CHOICE), ("born", FieldKind.DATE), ("town", FieldKind.TEXT)):
            choices = ["S", "L"] if kind is FieldKind.CHOICE else []
            add_field(session, key=key, label=key.title(), kind=kind, choices=choices, fallback="", now=NOON)
        segments.save(session, "Runners", Rules(r.HasTag("runners"), "Europe/London"), NOON)
        made = segments.save(session, "Everything " + "x" * 60, Rules(EVERY, "Europe/London"), NOON)
        session.flush()
        return made.id


def _is_sound(page: Page) -> None:
    assert found_by_axe(page) == "[]", page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


@LOOKS
def test_every_page_of_segments(browser: Browser, site: str, saved: int, width: int, scheme: str) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in ("segments", "segments/new", f"segments/{saved}", f"segments/{saved}/delete", "campaigns/new",
                 f"subscribers?segment={saved}", "subscribers?segment=1", "subscribers?segment=999"):  # fmt: skip
        page.goto(f"{site}/owner/{path}")
        _is_sound(page)
    page.context.close()


@LOOKS
def test_put_together_without_a_script_and_sent_to(
    browser: Browser, site: str, saved: int, runtime: Runtime, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 900}
    page = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=False).new_page()
    page.goto(f"{site}/owner/login")
    page.locator("input[name=email]").fill("paula@example.org")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/owner/")
    page.goto(f"{site}/owner/segments/new")
    page.get_by_label("Name").fill("Few")
    page.get_by_label("What to add").select_option("tag")
    page.get_by_role("button", name="Add").click()
    page.get_by_label("Has the tag").fill("runners")
    page.keyboard.press("Enter")  # counts, and neither adds nor saves
    expect(page.get_by_text("3 people now; 1 of them")).to_be_visible()
    page.get_by_label("What to add").select_option("field:town")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Type what to compare with.")).to_be_visible()
    page.get_by_role("button", name="Remove this rule").last.click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“Few” is saved.")).to_be_visible()
    page.goto(f"{site}/owner/campaigns/new")
    with runtime.database.reading() as session:
        title = session.scalars(select(Article.title).order_by(Article.id)).first()
    page.get_by_label("Article", exact=True).select_option(title)
    audience = page.locator("select[name=audience]")
    few = audience.locator("option", has_text="the segment “Few”")
    audience.select_option(value=few.get_attribute("value"))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("are in the segment “Few”: 1 now")).to_be_visible()
    page.context.close()
