"""The typeface in a real browser: Chromium uses it, letters that it lacks are the system's, and nothing jumps."""

import gzip
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from newsletter.brand import current
from newsletter.runtime import Runtime
from newsletter.theme import FIRST, Font
from tests import chromium
from tests.web.conftest import FIFTY
from tests.web.owner.test_browser import signed_in, site

__all__ = ["site"]
pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]
FACE = "Hanken Grotesk"
SHIFTED = """() => new Promise(done => new PerformanceObserver(list => done(
    list.getEntries().reduce((sum, one) => sum + (one.value || 0), 0))).observe({type: "layout-shift", buffered: true})
    || requestAnimationFrame(() => requestAnimationFrame(() => done(0))))"""


def on_the_way(request: Any) -> int:
    """Its octets: pages as deploy/nginx.conf and deploy/Caddyfile pack them; but pictures, which are the owner's."""
    if request.resource_type in ("document", "fetch"):
        return len(gzip.compress(request.response().body()))
    return 0 if request.resource_type == "image" else int(request.sizes()["responseBodySize"])


def again(page: Page) -> None:
    """Come back once both weights are there: a first visit goes without one that comes too late."""
    page.evaluate("Promise.all([...document.fonts].map(one => one.load()))")
    page.reload()


def drawn_with(page: Page, selector: str) -> dict[str, bool]:
    """Which typefaces its letters are drawn with, and whether they came over the net."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    fonts: list[dict[str, Any]] = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    return {one["familyName"]: one["isCustomFont"] for one in fonts}


@pytest.mark.parametrize("path", ["/", f"/guides/{FIFTY}", "/owner/"])
def test_words_and_headings_are_drawn_with_it(path: str, browser: Browser, site: str) -> None:
    page = signed_in(browser, site)
    page.goto(site + path)
    again(page)
    assert page.evaluate(f"document.fonts.check('16px \"{FACE}\"') && document.fonts.check('700 16px \"{FACE}\"')")
    for selector in ("h1", "main p:not([class]):not(dialog *)"):
        assert page.evaluate("one => getComputedStyle(document.querySelector(one)).fontFamily", selector).startswith(
            f'"{FACE}"'
        )
        assert drawn_with(page, selector).get(FACE) is True, selector


def test_what_it_lacks_is_the_systems(browser: Browser, site: str) -> None:
    page = browser.new_page()
    page.goto(site)
    again(page)
    for words in ("Привет", "Ελληνικά", "Ω", "✓"):
        page.evaluate("words => { document.querySelector('h1').textContent = words }", words)
        assert FACE not in drawn_with(page, "h1"), words
    page.evaluate("document.querySelector('h1').textContent = 'Žluťoučký Łódź Straße ½'")
    assert drawn_with(page, "h1")[FACE] is True


@pytest.mark.parametrize("path", ["/", f"/guides/{FIFTY}", "/archive", "/owner/login"])
@pytest.mark.parametrize("width", [1280, 375])
def test_nothing_jumps_on_a_first_visit(path: str, width: int, browser: Browser, site: str) -> None:
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.goto(site + path)
    page.evaluate("document.fonts.ready")
    assert page.evaluate(SHIFTED) == 0


def test_the_owners_own_choice_is_what_is_drawn(browser: Browser, site: str, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        current(session).wear(replace(FIRST, font=Font.GEORGIA), "{{ content }}", "")
    page = browser.new_page()
    page.goto(site)
    assert FACE not in drawn_with(page, "h1") and page.evaluate("document.fonts.size") == 0
    assert page.evaluate("getComputedStyle(document.body).fontFamily") == "Georgia, serif"


@pytest.mark.parametrize(
    ("path", "most"),
    [("/owner/", 150_000), ("/owner/subscribers", 150_000), ("/owner/articles/1/edit", 150_000),
     ("/owner/theme", 150_000), ("/owner/settings", 150_000), (f"/guides/{FIFTY}", 200_000), ("/", 200_000)],
)  # fmt: skip
def test_a_page_weighs_little_typeface_and_all(path: str, most: int, browser: Browser, site: str) -> None:
    page = signed_in(browser, site) if path.startswith("/owner/") else browser.new_page()
    page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
    seen: list[Any] = []
    page.on("requestfinished", lambda one: seen.append(one))
    page.goto(site + path)
    page.wait_for_load_state("networkidle")
    kinds = [one.resource_type for one in seen]
    assert kinds.count("font") == 2
    assert sum(on_the_way(one) for one in seen) <= most
