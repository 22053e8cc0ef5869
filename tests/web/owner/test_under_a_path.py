"""PUBLIC_URL with a path: every page, form, file and mail stays below it."""

import html
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from newsletter import web
from newsletter.runtime import Runtime, build
from newsletter.settings import load
from tests.conftest import InlineTrigger
from tests.web.conftest import FIFTY, Visitor, forms
from tests.web.owner.conftest import EMAIL, PASSWORD, sign_in

pytestmark = pytest.mark.sqlite_only

UNDER = "/our/news"


@pytest.fixture
def below(runtime: Runtime) -> Flask:
    """The application below a path of its host."""
    settings = load(
        {
            "DATA_DIR": str(runtime.settings.data_dir),
            "SECRET_KEY": "k" * 40,
            "PUBLIC_URL": f"http://localhost:8000{UNDER}/",
        }
    )
    rt = build(settings, database=runtime.database, clock=runtime.clock, transport=runtime.transport)
    return web.create(rt, InlineTrigger(rt))


def runtime_of(app: Flask) -> Runtime:
    """What an application stands on."""
    found: Runtime = app.extensions["newsletter"].runtime
    return found


def _addresses(page: str) -> Iterator[str]:
    found = re.findall(r'(?:href|src|action|data-watch|data-preview|data-challenge)="([^"]+)"', page)
    yield from (html.unescape(one) for one in found if not one.startswith(("#", "mailto:", "data:", "tel:")))


def _walk(client: FlaskClient, start: str, most: int = 150) -> int:
    """Follow every link of the site; the number of pages seen."""
    waiting, seen = [start], set()
    while waiting and len(seen) < most:
        at = waiting.pop(0)
        if at in seen:
            continue
        seen.add(at)
        answer = client.get(at, buffered=True)
        assert answer.status_code in (200, 302, 303, 405), (at, answer.status_code)
        if "Location" in answer.headers:
            waiting.append(answer.headers["Location"])
        for address in _addresses(answer.text) if answer.mimetype == "text/html" else ():
            to = urlsplit(address)
            if to.hostname not in (None, "localhost"):
                continue
            assert f"{to.path}/".startswith(f"{UNDER}/") or not to.path, f"{at} leads out of the site, to {address}"
            if to.path:
                waiting.append(f"{to.path}?{to.query}" if to.query else to.path)
    return len(seen)


def test_a_visitor_never_leaves_the_path(below: Flask) -> None:
    assert _walk(below.test_client(), f"{UNDER}/") > 10
    assert _walk(below.test_client(), UNDER) > 10


def test_the_typeface_stands_below_the_path(below: Flask) -> None:
    client = below.test_client()
    for page in (client.get(f"{UNDER}/").text, client.get(f"{UNDER}/owner/login").text):
        sheet = re.search(r'href="([^"]+/css/face\.css)"', page)
        assert sheet is not None and sheet[1].startswith(f"{UNDER}/assets/")
        for name in re.findall(r'url\("([^"]+)"\)', client.get(sheet[1]).text):
            address = urljoin(sheet[1], name)
            assert f'crossorigin href="{address}"' in page
            assert client.get(address).status_code == 200


def test_the_owner_never_leaves_the_path(below: Flask, owner: int, article: int, person: Callable[..., int]) -> None:
    person("alice@example.com", "Alice")
    client = below.test_client()
    asked = client.get(f"{UNDER}/owner/articles").headers["Location"]
    assert asked.startswith(f"{UNDER}/owner/login?")
    signed_in = sign_in(client, PASSWORD, EMAIL, path=asked)
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, f"{UNDER}/owner/articles")
    assert _walk(client, f"{UNDER}/owner/") > 20


def test_the_journey_by_the_links_in_the_mails(
    below: Flask, inbox: Callable[[str], list[EmailMessage]], trigger: InlineTrigger
) -> None:
    jane = Visitor(below.test_client())
    sent = jane.press(f"{UNDER}/guides/{FIFTY}", email="jane@example.com")
    assert sent.headers["Location"].startswith(f"{UNDER}/check-your-inbox")
    confirmed = jane.press(_linked(inbox, "confirm"))
    assert confirmed.headers["Location"].startswith(f"{UNDER}/confirm/")
    assert _walk(jane.browser, confirmed.headers["Location"]) > 10
    one_click = urlsplit(runtime_of(below).renderer.urls.unsubscribe(1, 1))
    assert one_click.path.startswith(f"{UNDER}/unsubscribe/")
    left = jane.browser.post(one_click.path, data={"List-Unsubscribe": "One-Click"})
    assert left.status_code == 200


def test_one_more_press_stays_below_the_path(below: Flask, inbox: Callable[[str], list[EmailMessage]]) -> None:
    visitor = below.test_client()
    for door in (f"{UNDER}/subscribe", f"{UNDER}/f/{FIFTY}"):
        page = visitor.post(door, data={"guide": FIFTY, "email": "jane@example.com"})
        press = forms(page)[0]
        assert press.action == door
        answer = visitor.post(press.action, data=press.fields)
        assert answer.status_code == 200 and f'action="{UNDER}/check-your-inbox"' in answer.text
    assert len(inbox("jane@example.com")) == 1


def _linked(inbox: Callable[[str], list[EmailMessage]], kind: str) -> str:
    part = inbox("jane@example.com")[-1].get_body(("plain",))
    assert part is not None
    found = re.search(rf"http://localhost:8000({UNDER}/{kind}/\S+)", part.get_content())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", ["/", "/owner/login", f"{UNDER}let", "/our", "/static/css/site.css"])
def test_beside_the_path_there_is_nothing_but_a_word_where_it_is(below: Flask, path: str) -> None:
    told = below.test_client().get(path)
    assert told.status_code == 404
    assert f"http://localhost:8000{UNDER}/" in told.text


def test_robots_and_feed_name_the_path(below: Flask) -> None:
    client = below.test_client()
    assert f"Disallow: {UNDER}/unsubscribe/" in client.get(f"{UNDER}/robots.txt").text
    assert f"http://localhost:8000{UNDER}/feed.xml" in client.get(f"{UNDER}/feed.xml").text
