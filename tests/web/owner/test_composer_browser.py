"""The composer in a real browser: written with the keyboard, seen as it will go, and never lost."""

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from newsletter import accounts
from newsletter.articles import Article
from newsletter.drafts import Draft
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.web.owner.test_browser import LOOKS, PASSWORD, found_by_axe, pytestmark, signed_in, site

__all__ = ["pytestmark", "site"]


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """Paula's browser; nothing that its pages complain about goes unheard."""
    opened = signed_in(browser, site, viewport={"width": 1280, "height": 900}, color_scheme="light")
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda told: errors.append(told.text) if "Content Security" in told.text else None)
    yield opened
    opened.context.close()
    assert errors == []


def written(page: Page) -> str:
    return page.locator("#body").input_value()


def look(page: Page) -> Any:
    """What stands in the frame beside the text."""
    return page.frame_locator("iframe[name=look]").locator("body")


@LOOKS
def test_axe_finds_nothing_and_nothing_is_too_wide(
    browser: Browser, site: str, runtime: Runtime, article: int, width: int, scheme: str
) -> None:
    with runtime.database.transaction() as session:
        ann = accounts.create(session, "ann@example.org", PASSWORD, NOON)
        words = session.get_one(Article, article)
        words.revise(NOON, subject="W" * 200, preheader="W" * 200, body="W" * 400 + " less.", by=ann.id)
        for owner in (1, ann.id):
            session.add(Draft(owner_id=owner, sitting=f"{owner}" * 20, article_id=article, base=1, saved_at=NOON,
                              typed={"title": "W" * 200, "body": "x"}))  # fmt: skip
    page = signed_in(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)

    def sound(what: str) -> None:
        assert found_by_axe(page) == "[]", what
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, what

    for path in ("edit", "versions", "versions/1", "versions/2"):
        page.goto(f"{site}/owner/articles/{article}/{path}")
        if path == "edit":
            expect(look(page)).to_contain_text("less.")
        sound(path)
    page.goto(f"{site}/owner/articles/{article}/edit")
    page.evaluate("document.querySelector('[name=base]').value = '1'")
    page.get_by_label("Text", exact=True).fill("{{ greeting }},\n\nmine.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="What was saved meanwhile")).to_be_visible()
    sound("both")
    page.get_by_role("button", name="Name or field").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    sound("a dialog")
    page.context.close()


def test_the_buttons_write_markdown_and_the_mail_beside_it_follows(page: Page, site: str) -> None:
    page.goto(f"{site}/owner/articles/new")
    page.get_by_label("Subject").fill("On walking")
    area = page.get_by_label("Text", exact=True)
    area.fill("walk")
    area.select_text()
    area.press("Control+b")
    assert written(page) == "**walk**"
    area.press("Control+b")
    assert written(page) == "walk"
    area.press("Control+End")
    page.get_by_role("button", name="Name or field").click()
    page.get_by_role("button", name="Put it in").click()
    expect(area).to_have_value('walk{{ first_name|default("friend") }}')
    expect(look(page)).to_contain_text("walkfriend")
    area.press("Control+End")
    page.get_by_role("button", name="Button", exact=True).click()
    page.get_by_label("What it says").fill("Book [a] talk")
    page.get_by_label("Where it leads").fill("example.com")
    page.get_by_role("button", name="Put it in").click()
    expect(page.get_by_role("alert").filter(has_text="begins with https://")).to_be_visible()
    page.get_by_label("Where it leads").fill("https://example.com/a(b)")
    page.get_by_label("Where it leads").press("Enter")
    wanted = re.escape('[Book  a  talk](https://example.com/a%28b%29 "button")\n\n')
    expect(area).to_have_value(re.compile(f"{wanted}$"))
    button = page.frame_locator("iframe[name=look]").locator("table.button a")
    expect(button).to_have_attribute("href", "https://example.com/a%28b%29")
    page.get_by_role("button", name="Two columns").click()
    expect(page.frame_locator("iframe[name=look]").locator("td.half")).to_have_count(2)
    page.get_by_role("button", name="Card of a guide").click()
    page.get_by_role("button", name="Put it in").click()
    expect(page.locator("[data-problem]")).to_contain_text("no card or column can stand in another")
    page.keyboard.press("Control+z")  # the browser takes back what a button wrote
    expect(page.locator("[data-problem]")).to_be_hidden()
    page.keyboard.press("Control+End")
    page.get_by_role("button", name="Card of a guide").click()
    page.get_by_role("button", name="Put it in").click()
    expect(page.frame_locator("iframe[name=look]").locator("table.card")).to_have_count(1)
    expect(page.locator("[data-inbox]")).to_contain_text("On walking")


def test_the_toolbar_is_one_stop_of_the_keyboard_and_escape_changes_nothing(page: Page, site: str) -> None:
    page.goto(f"{site}/owner/articles/new")
    before = written(page)
    page.get_by_role("button", name="Bold").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Only for some readers")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Text", exact=True)).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    assert written(page) == before


@pytest.mark.parametrize("kind", ["heading", "list", "numbers", "quote"])
def test_lines_get_their_mark_and_lose_it_again(page: Page, site: str, kind: str) -> None:
    page.goto(f"{site}/owner/articles/new")
    area = page.get_by_label("Text", exact=True)
    area.fill("one\ntwo")
    area.select_text()
    page.locator(f"[data-tool={kind}]").click()
    marks = {"heading": "## one\n## two", "list": "- one\n- two", "numbers": "1. one\n2. two", "quote": "> one\n> two"}
    assert written(page) == marks[kind]
    page.locator(f"[data-tool={kind}]").click()
    assert written(page) == "one\ntwo"


def test_it_is_seen_wide_and_narrow_dark_without_pictures_as_somebody_and_as_text(
    page: Page, site: str, article: int, person: Callable[..., int]
) -> None:
    person("jane@example.com", "Jane")
    page.goto(f"{site}/owner/articles/{article}/edit")
    expect(look(page)).to_contain_text("Hello,")
    page.get_by_label("For whom").fill("jane@")
    expect(page.locator("[data-reader]")).to_have_text("As Jane (jane@example.com) would get it")
    expect(look(page)).to_contain_text("Hello Jane,")
    ground = page.frame_locator("iframe[name=look]").locator(".ground")
    expect(ground).to_have_css("background-color", "rgb(244, 240, 232)")
    page.get_by_label("Colours").select_option("Dark")
    expect(ground).to_have_css("background-color", "rgb(20, 27, 27)")
    page.get_by_label("Width").select_option("375")
    assert page.locator("iframe[name=look]").get_attribute("width") == "375"
    page.get_by_label("Part", exact=True).select_option("Its plain text")
    expect(page.locator("[data-text]")).to_contain_text("walk more.")
    page.get_by_label("Text", exact=True).press("Control+End")
    page.keyboard.type("Quite so.")
    expect(page.locator("[data-text]")).to_contain_text("Quite so.")


def test_a_link_in_the_mail_opens_beside_and_nothing_in_it_runs(page: Page, site: str) -> None:
    page.goto(f"{site}/owner/articles/new")
    page.get_by_label("Text", exact=True).fill(f"[x]({site}/archive) <script>parent.hacked = 1</script>")
    page.get_by_label("Width").select_option("375")  # not made smaller: Playwright clicks beside what is
    link = page.frame_locator("iframe[name=look]").locator(".sheet a")
    with page.context.expect_page() as opened:
        link.click()
    opened.value.close()
    expect(look(page)).to_contain_text("<script>")
    assert page.evaluate("window.hacked") is None


def test_a_picture_that_is_pasted_is_asked_what_it_shows(page: Page, site: str, tmp_path: Any) -> None:
    page.goto(f"{site}/owner/articles/new")
    file = tmp_path / "hill.png"
    Image.new("RGB", (300, 200), "teal").save(file)
    page.get_by_label("Text", exact=True).fill("")
    page.get_by_role("button", name="Picture", exact=True).click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("What does it show?").fill("A hill")
    page.get_by_role("button", name="Put it in").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value(
        re.compile(r"!\[A hill\]\(/media/[0-9a-f]+-300x200\.png\)")
    )
    data = io.BytesIO()
    Image.new("RGB", (80, 80), "red").save(data, "PNG")
    page.evaluate(
        """async octets => {
            const file = new File([new Uint8Array(octets)], "red.png", {type: "image/png"});
            const data = new DataTransfer();
            data.items.add(file);
            const pasted = {clipboardData: data, bubbles: true, cancelable: true};
            document.getElementById("body").dispatchEvent(new ClipboardEvent("paste", pasted));
        }""",
        list(data.getvalue()),
    )
    expect(page.get_by_role("dialog")).to_contain_text("red.png")
    page.get_by_role("button", name="Cancel").click()
    assert "-80x80" not in written(page)


def test_a_double_click_on_save_makes_one_article(page: Page, site: str, runtime: Runtime) -> None:
    page.goto(f"{site}/owner/articles/new")
    page.get_by_label("Title").fill("Twice")
    page.get_by_label("Subject").fill("Twice")
    page.get_by_label("Text", exact=True).fill("Words.")
    page.get_by_role("button", name="Save").dblclick()
    expect(page.get_by_role("heading", name="Twice")).to_be_visible()
    with runtime.database.reading() as session:
        assert len(session.scalars(select(Article).where(Article.title == "Twice")).all()) == 1


def test_without_javascript_it_is_written_seen_and_saved(browser: Browser, site: str, app: Flask) -> None:
    page = signed_in(browser, site, java_script_enabled=False, viewport={"width": 375, "height": 800})
    page.goto(f"{site}/owner/articles/new")
    assert not page.get_by_role("toolbar").is_visible()
    page.get_by_label("Title").fill("Plain")
    page.get_by_label("Subject").fill("Plain")
    page.get_by_label("Text", exact=True).fill('Words.\n\n[Book](https://example.com "button")')
    page.get_by_role("button", name="Show it as it stands").click()
    expect(page.frame_locator("iframe[name=look]").locator("table.button a")).to_have_text("Book")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Plain")).to_be_visible()
    page.context.close()
