"""A guide's own page in a browser: put together beside its preview, light enough, and its form seen at once."""

import re

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from newsletter.guides import Block, Guide, Kind, LandingPage
from newsletter.runtime import Runtime
from tests import chromium
from tests.web.owner.test_browser import found_by_axe, signed_in, site

__all__ = ["site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
FIFTY, PAIN = "exercise-at-50", "recover-from-pain"
LONG = "W" * 200
FULL = LandingPage(
    lead="Get moving again.", for_whom="People over 40", minutes=25,
    blocks=(
        Block(kind=Kind.OUTCOMES, lines=("Know what hurts, and why", "Do something about it this week", LONG)),
        Block(kind=Kind.SAMPLES, pages=(5, 13, 15)),
        Block(kind=Kind.AUTHOR, text="Paul is a coach in **London**. " * 4),
        Block(kind=Kind.QUESTIONS, pairs=(("Is it free?", "Yes. " * 30), (LONG, "Nobody knows. " + LONG))),
        Block(kind=Kind.QUOTE, text="It helped me.\nReally.", who="Jane, 61"),
        Block(kind=Kind.TEXT, text="## More\n\n" + "Words about it. " * 900),
        Block(kind=Kind.FORM), Block(kind=Kind.LINK),
    ),
)  # fmt: skip


@pytest.fixture
def full(runtime: Runtime) -> None:
    """The first guide has a page of every part, with words too long for a line."""
    with runtime.database.transaction() as session:
        session.get_one(Guide, 1).landing = FULL.as_json()


def _weight(page: Page, address: str) -> int:
    """Octets on the way of a page and all that it loads, typeface too, when somebody reads it to its end."""
    fetched: list[Request] = []
    page.on("requestfinished", lambda one: fetched.append(one))
    page.goto(address)
    for picture in page.locator("picture img").all():  # those further down wait for somebody who comes near
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", value=True)
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    assert all(page.locator("picture img").evaluate_all("all => all.map(one => one.naturalWidth > 0)"))
    assert sum(one.resource_type == "font" for one in fetched) == 2
    return sum(one.sizes()["responseBodySize"] for one in fetched)


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("size", [(390, 844), (1280, 720), (320, 640)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_light_sound_and_shows_its_form_at_once(
    browser: Browser, site: str, size: tuple[int, int], scheme: str
) -> None:
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme).new_page()
    weight = _weight(page, f"{site}/guides/{PAIN}")
    assert weight <= 200_000, weight
    button = page.locator(f"#{PAIN}-form").get_by_role("button").bounding_box()
    assert button is not None
    assert size[0] == 320 or button["y"] + button["height"] <= size[1], button
    page.get_by_text("Is it free?").click()
    assert found_by_axe(page) == "[]"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", ["/", "/guides", f"/guides/{PAIN}", f"/guides/{FIFTY}"])
def test_pages_that_come_with_the_program_are_light_in_a_browser_that_chooses(
    browser: Browser, site: str, width: int, path: str
) -> None:
    page = browser.new_context(viewport={"width": width, "height": 800}).new_page()
    weight = _weight(page, f"{site}{path}")
    assert weight <= 200_000, weight
    taken = page.locator("picture img").evaluate_all("all => all.map(one => [one.currentSrc, one.clientWidth])")
    assert taken
    for address, shown in taken:
        (drawn,) = map(int, re.findall(r"-(\d+)[.]webp", address))
        assert shown <= drawn <= 2.2 * shown, "as sharp as the screen shows it, and not much more"
    page.context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_when_pictures_come(browser: Browser, site: str, width: int) -> None:
    page = browser.new_context(viewport={"width": width, "height": 800}).new_page()
    page.route("**/pages/*", lambda route: None)  # none comes yet
    page.goto(f"{site}/guides/{PAIN}", wait_until="domcontentloaded")
    places = "all => all.map(one => [one.offsetTop, one.offsetHeight])"
    empty = page.locator("section, picture img").evaluate_all(places)
    page.unroute("**/pages/*")
    _weight(page, f"{site}/guides/{PAIN}")
    filled = page.locator("section, picture img").evaluate_all(places)
    assert len(filled) == len(empty)
    for before, after in zip(empty, filled, strict=True):
        assert after == pytest.approx(before, abs=1), "but for a part of a pixel: heights of files are whole numbers"
    page.context.close()


@pytest.mark.usefixtures("full")
def test_the_preview_follows_and_leaving_is_asked_about(browser: Browser, site: str) -> None:
    page = signed_in(browser, site, viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    page.goto(f"{site}/owner/guides/1/page")
    phone, desk = page.frame_locator("iframe[name=phone]"), page.frame_locator("iframe[name=desk]")
    expect(phone.get_by_text("Get moving again.")).to_be_visible()
    expect(desk.get_by_text("Get moving again.")).to_be_visible()
    page.locator("#lead").fill("Something else.")
    expect(phone.get_by_text("Something else.")).to_be_visible()
    expect(desk.get_by_text("Something else.")).to_be_visible()
    page.get_by_label("What to add").select_option("quote")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url(re.compile("#part-8"))
    expect(page.locator("#lead")).to_have_value("Something else.")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.get_by_role("link", name="Back to the guides").click()
    page.wait_for_url("**/owner/guides")
    assert asked == ["beforeunload"]
    assert wrong == []
    page.context.close()
