"""An import from the file to its undoing in a real browser; every page of it without a fault for axe."""

import io
import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from newsletter import topics
from newsletter.runtime import Runtime
from newsletter.subscribers import FieldKind, Subscriber, add_field
from tests.conftest import NOON
from tests.web.owner.conftest import PASSWORD
from tests.web.owner.test_browser import LOOKS, found_by_axe, pytestmark, signed_in, site
from tests.workbooks import xlsx

__all__ = ["pytestmark", "site"]
LOOKED_AT = os.environ.get("SCREENSHOTS_TO")
LONG = "w" * 90
BOOK = xlsx(
    {
        "Notes": [["nothing here"]],
        "Members & more": [
            ["E-mail", "Forename", "Subscription", "Shoe size", "Colour of the house", LONG, "unsubscribed at"],
            ["jane@example.com", "Jane", "active", 40, "red", f"<b>{LONG}</b>", None],
            ["bo@example.com", "Bo", "snoozed", 41, "blue", None, None],
            ["cy@example.com", "Cy", "lapsed", 42, "red", None, "2024-05-06"],
            ["dee@example.com", "Dee", "bounced", 43, "red", None, None],
            ["nobody", "", "active", None, "blue", None, None],
        ],
    },
    hidden_rows=(4,),
)


def _look(page: Page, name: str) -> None:
    assert found_by_axe(page) == "[]", page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url
    if LOOKED_AT:
        size, scheme = page.viewport_size or {"width": 0}, page.locator("html").get_attribute("data-bs-theme")
        page.screenshot(path=Path(LOOKED_AT) / f"{name}-{size['width']}-{scheme}.png", full_page=True)


def _press(page: Page, runtime: Runtime, button: str) -> None:
    """Press it, and let a worker look: the page goes on by itself."""
    page.get_by_role("button", name=button).click()
    page.wait_for_load_state()
    runtime.go_on_with_imports(lambda: False)


@pytest.fixture
def furnished(runtime: Runtime) -> None:
    """A field and two topics."""
    with runtime.database.transaction() as session:
        add_field(session, key="size", label="Shoe size", kind=FieldKind.NUMBER, choices=[], fallback="", now=NOON)
        topics.add(session, "Golf", NOON)
        topics.add(session, "Running " + "x" * 30, NOON)


@LOOKS
def test_from_the_file_to_its_undoing(
    browser: Browser, site: str, furnished: None, runtime: Runtime, width: int, scheme: str
) -> None:
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{site}/owner/subscribers/import")
    _look(page, "1-file")
    page.get_by_label("File").set_input_files({"name": "members.xlsx", "mimeType": "x/y", "buffer": BOOK})
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_role("heading", name="Reading the workbook")).to_be_visible()
    _look(page, "2-reading")
    runtime.go_on_with_imports(lambda: False)
    expect(page.get_by_role("heading", name="What are these columns?")).to_be_visible()  # by itself
    page.get_by_label("Sheet").select_option("Members & more")
    _press(page, runtime, "Read this")
    expect(page.get_by_text("jane@example.com")).to_be_visible()
    page.get_by_label("What “Subscription” is").select_option("status")
    page.get_by_label("What “Colour of the house” is").select_option("new:choice")
    expect(page.get_by_label("Name of the new field for “Colour of the house”")).to_be_visible()
    page.get_by_label("Name of the new field for “Colour of the house”").fill("shoe SIZE")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("There is a field “shoe SIZE” already")).to_be_visible()
    _look(page, "3-columns")
    page.get_by_label("Name of the new field for “Colour of the house”").fill("Colour")
    _press(page, runtime, "Go on")
    expect(page.get_by_role("heading", name="Who are these people?")).to_be_visible()
    expect(page.get_by_text("“snoozed” in the column “Subscription”: 1 row")).to_be_visible()
    page.get_by_role("button", name="Check what would happen").click()
    expect(page.get_by_text("Say how these people agreed; it is kept")).to_be_visible()
    _look(page, "4-people")
    page.get_by_label("“snoozed”").select_option("reader")
    page.get_by_label("“lapsed”").select_option("left")
    page.get_by_label("How these people agreed").fill("A sheet at the desk")
    page.get_by_label("Tags for all readers in it").fill("desk, 2025")
    page.get_by_label("only these:").check()
    page.get_by_label("Golf").check()
    _press(page, runtime, "Check what would happen")
    expect(page.get_by_role("heading", name="What this file would do")).to_be_visible()
    _look(page, "5-check")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="Importing")).to_be_visible()
    _look(page, "6-importing")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible()
    _look(page, "7-stopped")
    _press(page, runtime, "Go on")
    expect(page.get_by_role("heading", name="Imported")).to_be_visible()
    _look(page, "8-report")
    with runtime.database.reading() as session:
        people = {one.email.partition("@")[0]: str(one.status) for one in session.scalars(select(Subscriber))}
    assert people == {"jane": "confirmed", "bo": "confirmed", "cy": "unsubscribed", "dee": "bounced"}
    page.get_by_role("link", name="All imports").click()
    _look(page, "9-imports")
    page.get_by_role("link", name="members.xlsx").click()
    page.get_by_role("link", name="Undo it…").click()
    expect(page.get_by_text("2 people whom it brought in would be deleted")).to_be_visible()
    page.get_by_label("It was the wrong file").check()
    _look(page, "10-undo")
    _press(page, runtime, "Undo the import")
    if page.get_by_label("Password").is_visible():
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_load_state()
        runtime.go_on_with_imports(lambda: False)
    expect(page.get_by_role("heading", name="Undone")).to_be_visible()
    _look(page, "11-undone")
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []
    page.context.close()
    assert errors == []


def test_without_a_script_the_pages_go_on_by_themselves(browser: Browser, site: str, runtime: Runtime) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{site}/owner/login")
    page.locator("input[name=email]").fill("paula@example.org")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/owner/")
    page.goto(f"{site}/owner/subscribers/import")
    text = io.BytesIO(b"email,Size\njane@example.com,40\n").read()
    page.get_by_label("File").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": text})
    page.get_by_role("button", name="Read the file").click()
    page.get_by_label("What “Size” is").select_option("new:number")
    expect(page.get_by_label("Name of the new field for “Size”")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Reading the file")).to_be_visible()
    runtime.go_on_with_imports(lambda: False)
    expect(page.get_by_role("heading", name="Who are these people?")).to_be_visible()
    page.get_by_label("How these people agreed").fill("A sheet")
    page.get_by_role("button", name="Check what would happen").click()
    runtime.go_on_with_imports(lambda: False)
    expect(page.get_by_role("heading", name="What this file would do")).to_be_visible()
    page.context.close()
