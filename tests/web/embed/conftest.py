"""A page of another origin that looks like a theme of WordPress, with a hostile style sheet and a strict policy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, Response
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from tests.web.conftest import PAIN

HOSTILE = """
* { color: red !important; font: 60px fantasy !important; letter-spacing: 1em !important; background: yellow !important;
    text-transform: uppercase !important; box-sizing: content-box !important; direction: rtl !important; }
div, form, input, section, newsletter-form { display: none !important; visibility: hidden !important; }
main, aside, footer, aside div, footer div, body { display: block !important; visibility: visible !important; }
aside { width: 300px !important; }
input { border: 20px solid lime !important; width: 10px !important; }
button { position: fixed !important; left: -9999px !important; }
iframe { height: 40px !important; }
"""
WORDPRESS = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A blog</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/style.css"></head>
<body class="wordpress"><main><h1>Back pain</h1><p>{filler}</p></main>
<aside class="widget-area"><div class="widget widget_block">{widget}</div><p id="below">Categories</p></aside>
<footer>{footer}</footer></body></html>"""


@dataclass
class Blog:
    """A page of another origin: what stands in its sidebar and footer, and its policy."""

    url: str = ""
    policy: str = ""
    style: str = ""
    widget: str = ""
    footer: str = ""
    filler: str = "Words. " * 40
    asked: list[str] = field(default_factory=list)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """An application on a free port; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The product."""
    with served(app) as url:
        yield url


@pytest.fixture
def blog(site: str) -> Iterator[Blog]:
    """Served from a port of its own: for a browser another origin."""
    page = Blog(
        policy=f"default-src 'none'; style-src 'self'; script-src {site}; connect-src {site}; img-src {site}; "
               f"frame-src {site}; form-action {site}; require-trusted-types-for 'script'; trusted-types 'none'",
        style=HOSTILE,
    )  # fmt: skip
    app = Flask("blog")

    @app.get("/")
    def post() -> Response:
        html = WORDPRESS.format(widget=page.widget, footer=page.footer, filler=page.filler)
        return Response(html, headers={"Content-Security-Policy": page.policy} if page.policy else {})

    @app.get("/style.css")
    def style() -> Response:
        return Response(page.style, mimetype="text/css")

    with served(app) as page.url:
        yield page


def script(site: str, slug: str = PAIN, more: str = "") -> str:
    """What an owner copies."""
    return (
        f'<div data-newsletter-form="{slug}"><a href="{site}/f/{slug}">Get it</a>'
        '<svg width="1" height="640"></svg></div>'
        f'<script async src="{site}/embed/{slug}.js"{more}></script>'
    )


def opened(browser: Browser, blog: Blog, **options: Any) -> tuple[Page, list[str]]:
    """The page, and what went wrong on it."""
    page = browser.new_context(**options).new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" and "/favicon" not in told.text
            and "404" not in told.text and "403" not in told.text and "422" not in told.text else None)  # fmt: skip
    page.on("request", lambda one: blog.asked.append(one.url))
    page.goto(blog.url)
    return page, wrong
