"""The phone edition of a guide behind its reader's link: without a browser's script, and in a real browser."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from newsletter.contrast import lightened
from newsletter.guides import Files, GuideRequest
from newsletter.links import Purpose
from newsletter.runtime import Runtime
from newsletter.settings import ROOT
from newsletter.web.colours import NIGHT
from tests import chromium
from tests.web.conftest import FIFTY, PAIN, Visitor

Link = Callable[..., str]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
LOOK = """;axe.run({iframes: false}).then(seen => JSON.stringify(seen.violations.map(
    one => [one.id, one.nodes.map(node => node.html.slice(0, 200))])))"""
real = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]


def in_a_browser(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test that needs a real browser."""
    for mark in real:
        test = mark(test)
    return test


def test_the_library_offers_to_read_here_and_the_pdf(jane: Visitor, link: Link) -> None:
    library = link("library")
    page = jane.get(library)
    assert f'href="{library}/{FIFTY}/"' in page.text and "Read here" in page.text
    assert "PDF, 45 pages" in page.text
    book = jane.get(f"{library}/{FIFTY}/")
    assert "/css/book.css" in book.text and "/css/face.css" not in book.text  # its own typefaces
    assert book.status_code == 200
    assert "Everything you need to know about exercise at 50 and beyond" in book.text
    assert "worker-src 'self'" in book.headers["Content-Security-Policy"]
    assert book.headers["Cache-Control"] == "private, no-store"


def test_a_guide_without_an_edition_for_phones_is_offered_as_a_pdf(
    jane: Visitor, link: Link, runtime: Runtime, tmp_path: Path
) -> None:
    """Such as one whose owner has sent another PDF: what we built is another book then."""
    own = tmp_path / "own"
    own.mkdir()
    (own / f"{FIFTY}.pdf").write_bytes((runtime.guides.shipped / f"{FIFTY}.pdf").read_bytes())
    runtime.guides = Files(own=own, shipped=runtime.guides.shipped)
    page = jane.get(link("library"))
    assert "Read here" not in page.text and "PDF, 45 pages" in page.text
    assert jane.get(f"{link('library')}/{FIFTY}/").status_code == 404


def test_only_its_reader_opens_it(jane: Visitor, link: Link, runtime: Runtime) -> None:
    library = link("library")
    assert jane.get(f"{library}/{PAIN}/").status_code == 404  # never asked for
    assert jane.get(f"{library}/nothing/").status_code == 404
    assert jane.get(f"{library[:-2]}/{FIFTY}/").status_code == 404
    nobody = runtime.signer.token(Purpose.LIBRARY, 999)
    assert jane.get(f"/library/{nobody}/{FIFTY}/").status_code == 410
    assert jane.get(f"/static/guides/{FIFTY}/read.html").status_code == 404


def test_opening_it_counts_as_fetching_it_and_a_look_does_not(jane: Visitor, link: Link, runtime: Runtime) -> None:
    url = f"{link('library')}/{FIFTY}/"
    jane.browser.head(url)
    with runtime.database.reading() as session:
        assert session.scalars(select(GuideRequest.fetched_at)).one() is None
    jane.get(url)
    with runtime.database.reading() as session:
        assert session.scalars(select(GuideRequest.fetched_at)).one() is not None


def test_the_worker_stands_where_it_serves_the_library(visitor: Visitor) -> None:
    answer = visitor.get("/library/offline.js")
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"


def test_the_page_has_the_colour_of_its_guide(jane: Visitor, link: Link) -> None:
    page = jane.get(f"{link('library')}/{FIFTY}/")
    assert 'href="/colours/8a3b12.css"' in page.text
    style = jane.get("/colours/8a3b12.css")
    assert style.mimetype == "text/css"
    assert re.findall(r"--accent: (#\w+)", style.text) == ["#8a3b12", lightened("#8a3b12", NIGHT)]
    for no_colour in ("8A3B12", "8a3b1", "8a3b12;", "teal12"):
        assert jane.get(f"/colours/{no_colour}.css").status_code == 404


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application on a free port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def found_by_axe(page: Page) -> str:
    """What axe objects to, as JSON. Run from outside the page: its policy lets no foreign script in."""
    session = page.context.new_cdp_session(page)
    answer = session.send("Runtime.evaluate", {"expression": AXE + LOOK, "awaitPromise": True, "returnByValue": True})
    return str(answer["result"]["value"])


@in_a_browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (320, "light")])
@pytest.mark.parametrize("slug", [FIFTY, PAIN])
def test_axe_finds_nothing_and_nothing_is_too_wide(
    browser: Browser, site: str, jane: Visitor, link: Link, slug: str, width: int, scheme: str
) -> None:
    if slug == PAIN:
        jane.press(link("library"), guide=PAIN)
    page = browser.new_context(viewport={"width": width, "height": 812}, color_scheme=scheme).new_page()  # type: ignore[arg-type]
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    page.goto(f"{site}{link('library')}/{slug}/")
    page.wait_for_load_state("networkidle")
    assert found_by_axe(page) == "[]"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    size = page.evaluate("getComputedStyle(document.querySelector('.book p:not([class])')).fontSize")
    assert float(size.removesuffix("px")) >= 17
    assert errors == []
    page.context.close()


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drawings_and_headings_have_one_colour(
    browser: Browser, site: str, jane: Visitor, link: Link, scheme: str
) -> None:
    page = browser.new_context(color_scheme=scheme).new_page()  # type: ignore[arg-type]
    page.goto(f"{site}{link('library')}/{FIFTY}/")
    drawn, head = page.evaluate("""[
        getComputedStyle(document.querySelector('.exercise svg [stroke*="--accent"]')).stroke,
        getComputedStyle(document.querySelector('.chapter .number')).color]""")
    assert drawn == head
    assert (head == "rgb(138, 59, 18)") is (scheme == "light")
    page.context.close()


@in_a_browser
def test_ticks_and_numbers_stay_on_the_device(browser: Browser, site: str, jane: Visitor, link: Link) -> None:
    page = browser.new_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url} {request.post_data}"))
    page.goto(f"{site}{link('library')}/{FIFTY}/")
    tick = page.locator(".ticks input").first
    number = page.get_by_label("Chair stands, 30 s, Start")
    log = page.get_by_label("A1 Squat, Set 1")
    tick.check()
    number.fill("14")
    log.fill("8 kg × 10")
    page.locator(".week-choice select").select_option("2")
    expect(log).to_have_value("")
    log.fill("9 kg × 8")
    page.reload()
    expect(tick).to_be_checked()
    expect(number).to_have_value("14")
    expect(log).to_have_value("9 kg × 8")
    page.locator(".week-choice select").select_option("1")
    expect(log).to_have_value("8 kg × 10")
    assert {one.split(" ", 1)[0] for one in sent} == {"GET"}
    assert not [one for one in sent if "?" in one]  # nothing typed travels in an address either
    page.get_by_role("button", name="Forget all of it on this device").click()
    expect(tick).not_to_be_checked()
    expect(number).to_have_value("")
    page.reload()
    expect(number).to_have_value("")
    page.context.close()


@in_a_browser
def test_once_opened_it_opens_without_a_network(browser: Browser, site: str, jane: Visitor, link: Link) -> None:
    context = browser.new_context()
    page = context.new_page()
    url = f"{site}{link('library')}/{FIFTY}/"
    page.goto(url)
    expect(page.locator("[data-offline]")).to_be_visible()
    context.set_offline(True)
    page.goto(url)
    expect(page.locator("h1")).to_contain_text("exercise at 50")
    assert page.evaluate("getComputedStyle(document.querySelector('.book .note')).borderLeftStyle") == "solid"
    context.close()


def test_the_cookie_page_tells_of_what_stays_on_the_device(visitor: Visitor) -> None:
    page = visitor.get("/cookies")
    assert re.search(r"your ticks and the numbers that you type stay in this browser", page.text)


def test_scripts_of_one_page_take_no_name_from_each_other() -> None:
    """Scripts share what they declare: the second `fill` of a page is everybody's."""
    found = Counter[str]()
    for name in ("proof", "proven", "site", "book"):
        code = (ROOT / "static" / "js" / f"{name}.js").read_text(encoding="utf-8")
        found.update(set(re.findall(r"^(?:async )?(?:function|const|let) (\w+)", code, re.MULTILINE)))
    assert {name for name, count in found.items() if count > 1} == set()
    assert len(found) > 20
