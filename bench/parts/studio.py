"""Latency of the composer's live preview after a keystroke."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from bench import people
from bench.folders import ROOT, temporary
from bench.installation import SUBJECT, Broken
from bench.parts.ledger import empty
from bench.parts.owner import signed_in
from bench.report import Table, ms, whole
from bench.run_size import Size
from tests import chromium

KEYS = 200
"""Keystrokes; the first `WARM` are not counted."""
WARM = 10
LOOK = "() => document.querySelector('[data-composer]').dataset"
HEADS = ("", "keys", "p50 ms", "p95 ms", "longest ms")


def studio(size: Size) -> list[Table]:
    """Preview the campaigns' article, with its checks, on both databases."""
    return [_table(name, size.people) for name in ("PostgreSQL", "SQLite")]


def _table(name: str, number: int) -> Table:
    body = (ROOT / "bench" / "article.md").read_text(encoding="utf-8")
    table = Table(f"The mail beside the text, {name}: {len(body):,} characters, {whole(number)} people", HEADS)
    with ExitStack() as stack:
        database, url = stack.enter_context(empty(name))
        people.add(url, 1, number + 1)
        client = signed_in(database, str(stack.enter_context(temporary("studio"))))
        reader = f"reader{number // 2}@example{number // 2 % 997}.org"
        table.rows.append(_row("the server's answer, as nobody", list(_answers(client, body, ""))))
        table.rows.append(_row("the server's answer, as a reader by address", list(_answers(client, body, reader))))
        if path := chromium.find():
            seconds = list(_typed(client, body, path))
            table.rows.append(_row("from the key to the mail in Chromium", seconds))
            table.notes.append("In Chromium keys are typed one by one; each is timed until the frame says it is shown.")
        else:
            table.notes.append("No Chromium is here: what a person waits for was not measured.")
    return table


def _row(name: str, seconds: list[float]) -> list[str]:
    counted = seconds[WARM:]
    return [name, str(len(counted)), ms(counted, 50), ms(counted, 95), f"{max(counted) * 1000:,.1f}"]


def _words(number: int, body: str) -> str:
    """The text after so many keystrokes."""
    return body + "a" * number


def _answers(client: FlaskClient, body: str, reader: str) -> Iterator[float]:
    page = client.get("/owner/articles/new").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    for number in range(KEYS):
        form = {"csrf_token": token, "subject": SUBJECT, "body": _words(number, body), "reader": reader}
        begun = time.perf_counter()
        answer = client.post("/owner/articles/typed", data=form, headers={"Accept": "application/json"})
        yield time.perf_counter() - begun
        if answer.status_code != 200 or (answer.get_json() or {}).get("problem"):
            raise Broken(f"the preview answered {answer.status_code}: {answer.text[:200]}")


def _typed(client: FlaskClient, body: str, path: str) -> Iterator[float]:
    with _served(client.application) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        cookie = client.get_cookie("session")
        if cookie is None:
            raise Broken("nobody is signed in")
        context.add_cookies([{"name": "session", "value": cookie.value, "url": site}])
        page = context.new_page()
        page.goto(f"{site}/owner/articles/new")
        area = page.locator("#body")
        area.fill(body)
        area.press("Control+End")
        for _ in range(KEYS):
            before = page.evaluate(f"({LOOK})().shown") or ""
            page.keyboard.type("a")
            page.wait_for_function(f"before => ({LOOK})().shown > 0 && ({LOOK})().shown !== before", arg=before)
            yield float(page.evaluate(f"({LOOK})().took")) / 1000
        browser.close()


@contextmanager
def _served(app: Flask) -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
