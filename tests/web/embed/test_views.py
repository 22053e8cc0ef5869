"""That a form was seen is counted by page: without a cookie, and without anything of who looked."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import select

from newsletter.forms import View
from newsletter.links import Purpose
from newsletter.runtime import Runtime
from tests import chromium
from tests.web.conftest import PAIN
from tests.web.embed.conftest import Blog, opened, script

OURS, BLOG = "http://localhost", "http://localhost:9000"
Seen = Callable[[], dict[str, int]]
in_a_browser = pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine")


@pytest.fixture
def seen(app: Flask, runtime: Runtime) -> Seen:
    """What is counted, by page."""

    def look() -> dict[str, int]:
        app.extensions["newsletter"].views.write()
        with runtime.database.reading() as session:
            return {one.page: one.times for one in session.scalars(select(View))}

    return look


def _told(client: FlaskClient, page: str, origin: str = BLOG, slug: str = PAIN) -> int:
    answer = client.post(f"/embed/{slug}/seen", data=page, content_type="text/plain", headers={"Origin": origin})
    assert "Set-Cookie" not in answer.headers
    return answer.status_code


def test_a_page_of_the_owners_sites_counts_and_a_strangers_does_not(client: FlaskClient, seen: Seen) -> None:
    assert [_told(client, f"{BLOG}/post?utm_source=x#y") for _ in range(3)] == [204] * 3
    assert _told(client, "https://stranger.example/", origin="https://stranger.example") == 403
    assert _told(client, "https://stranger.example/") == 204
    assert seen() == {f"{BLOG}/post": 3}


def test_a_page_of_ours_is_named_by_its_path_and_a_personal_one_not_at_all(
    client: FlaskClient, runtime: Runtime, seen: Seen
) -> None:
    secret = runtime.signer.token(Purpose.PREFERENCES, 1)
    for page in (f"{OURS}/guides/{PAIN}", f"{OURS}/preferences/{secret}", f"{OURS}/no/such/page", f"{OURS}/"):
        assert _told(client, page, origin=OURS) == 204
    assert seen() == {f"/guides/{PAIN}": 1, "/": 1, "": 2}


@pytest.mark.parametrize(
    "page", ["", "x", "http://[::1", "\0", "javascript:alert(1)", "a" * 5000, "http://user@localhost:9000/"]
)
def test_what_is_no_address_counts_nothing(client: FlaskClient, seen: Seen, page: str) -> None:
    assert _told(client, page) == 204
    assert seen() == {}


def test_a_form_that_is_not_there_is_not_seen(client: FlaskClient, seen: Seen) -> None:
    assert _told(client, f"{BLOG}/", slug="nothing") == 404
    assert client.get(f"/embed/{PAIN}/seen").status_code in (404, 405)
    assert seen() == {}


def test_one_client_does_not_raise_the_number_without_end(limited: Flask, runtime: Runtime) -> None:
    client = limited.test_client()
    told = [_told(client, f"{BLOG}/") for _ in range(70)]
    assert set(told[:50]) == {204} and told[-1] == 429
    limited.extensions["newsletter"].views.write()
    with runtime.database.reading() as session:
        assert sum(one.times for one in session.scalars(select(View))) == told.count(204)


def test_while_the_database_is_away_nothing_is_lost(
    app: Flask, client: FlaskClient, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = app.extensions["newsletter"].views
    _told(client, f"{BLOG}/")
    with monkeypatch.context() as away:
        away.setattr(counter, "_transaction", _away)
        with pytest.raises(OSError, match="away"):
            counter.write()
        _told(client, f"{BLOG}/")
    assert seen() == {f"{BLOG}/": 2}


def _away() -> None:
    raise OSError("away")


@in_a_browser
@pytest.mark.real
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("way", ["script", "frame", "popup", "ours"])
def test_it_counts_once_when_it_comes_into_view(browser: Browser, site: str, blog: Blog, seen: Seen, way: str) -> None:
    """Below a screen of words nobody has seen it yet."""
    blog.widget = {
        "script": script(site), "ours": "", "popup": script(site, more=' data-shape="popup" data-when="3"'),
        "frame": f'<iframe src="{site}/embed/{PAIN}" title="Get it" width="100%" height="400"></iframe>'
                 f'<script async src="{site}/embed/frame.js"></script>',
    }[way]  # fmt: skip
    blog.filler = "" if way == "popup" else "<br>" * 300
    page, wrong = opened(browser, blog, viewport={"width": 800, "height": 600})
    if way == "ours":
        page.goto(f"{site}/guides/{PAIN}")
    if way in ("script", "frame"):
        page.wait_for_load_state("networkidle")
        assert seen() == {}
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
    told: list[str] = []
    page.on("request", lambda one: told.append(one.url))
    where = "/guides/" + PAIN if way == "ours" else f"{blog.url}/"
    for _ in range(100):
        if seen().get(where):
            break
        page.wait_for_timeout(100)
    page.evaluate("scrollTo(0, 0)")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_load_state("networkidle")
    assert seen()[where] == 1
    assert page.context.cookies() == [] or way == "ours"
    page.context.close()
    assert wrong == []
