"""Between the sockets and Flask: what is read, for how long, and what a thread is given."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, request, send_file

from newsletter.settings import ROOT, load
from newsletter.web import bodies, front
from newsletter.web.bodies import FORM
from newsletter.web.front import Front


class Wire:
    """A connection: gives its pieces, then waits for ever unless it is whole; keeps the answer."""

    def __init__(self, *pieces: bytes, whole: bool = True) -> None:
        self.pieces, self.whole, self.taken = list(pieces), whole, 0
        self.status, self.headers, self.body, self.file = 0, {}, b"", ""  # type: ignore[var-annotated]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece
        if not self.whole:
            await asyncio.Event().wait()

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, dict(headers), body

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.response_bytes(status, headers, b"")

    def response_file(self, status: int, headers: list[tuple[str, str]], file: str) -> None:
        self.response_bytes(status, headers, b"")
        self.file = file


def scope(method: str = "POST", path: str = "/echo", **headers: str) -> Any:
    """What granian says of a request."""
    lines = [("host", "localhost"), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return SimpleNamespace(
        proto="http", http_version="1.1", server="127.0.0.1:8000", client="127.0.0.1:5555", scheme="http",
        method=method, path=path, query_string="", headers=dict(lines),
    )  # fmt: skip


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A small application with the house's own measures."""
    app = Flask("echo")
    app.extensions["newsletter"] = SimpleNamespace(runtime=SimpleNamespace(settings=load({})))
    monkeypatch.setattr(front, "DRAIN_FOR", 0.01)
    bodies.install(app)

    @app.post("/echo")
    def _echo() -> bytes:
        return request.get_data() or b"nothing"

    @app.get("/icon")
    def _icon() -> Any:
        return send_file(ROOT / "static" / "css" / "site.css")

    @app.get("/seen")
    def _seen() -> dict[str, str]:
        return {name: value for name, value in request.environ.items() if name.startswith("HTTP_X")}

    return app


def ask(app: Flask, wire: Wire, said: Any, **options: Any) -> Wire:
    """One request through a front of its own."""
    with ThreadPoolExecutor(1) as thread:  # where a browser was opened before, this one has a loop that runs
        thread.submit(asyncio.run, Front(app, **options).__rsgi__(said, wire)).result()
    return wire


def test_a_whole_body_reaches_its_page_however_many_pieces_it_comes_in(echo: Flask) -> None:
    assert ask(echo, Wire(b"ab", b"", b"c"), scope(content_length="3")).body == b"abc"
    assert ask(echo, Wire(b"ab", b"c"), scope(transfer_encoding="chunked")).body == b"abc"
    assert ask(echo, Wire(), scope()).body == b"nothing"


def test_each_answer_is_told_with_the_time_it_took(echo: Flask) -> None:
    took: list[float] = []
    ask(echo, Wire(), scope(), took=took.append)
    assert len(took) == 1 and took[0] > 0
    ask(echo, Wire(b"a"), scope(content_length="3"), took=took.append)
    assert len(took) == 1, "a body that does not come whole is the reader's time, not ours"


def test_a_body_that_does_not_come_is_waited_for_only_so_long(echo: Flask) -> None:
    wire = ask(echo, Wire(b"a", whole=False), scope(content_length="3"), grace=0.05)
    assert (wire.status, wire.headers["connection"]) == (408, "close")


def test_a_body_that_says_it_is_too_large_is_not_read(echo: Flask) -> None:
    wire = Wire(b"a" * 10)
    answered: list[int] = []
    wire.response_bytes = lambda status, *_: answered.append(status) or answered.append(wire.taken)  # type: ignore
    ask(echo, wire, scope(content_length=str(FORM + 1)))
    assert answered == [413, 0], "answered before the first piece was taken"


def test_a_body_that_does_not_say_is_cut_off_at_the_limit(echo: Flask) -> None:
    wire = ask(echo, Wire(*[b"a" * 1024] * 80), scope(transfer_encoding="chunked"))
    assert wire.status == 413


def test_whoever_goes_away_in_the_middle_asks_nothing(echo: Flask) -> None:
    assert ask(echo, Wire(b"a"), scope(content_length="3")).status == 400


def test_a_route_that_takes_no_body_is_sent_none(echo: Flask) -> None:
    for method, path, status in (("GET", "/echo", 405), ("POST", "/nowhere", 404)):
        wire = ask(echo, Wire(b"abc"), scope(method, path, content_length="3"))
        assert (wire.status, wire.taken) == (status, 0)


def test_a_file_is_handed_over_by_its_name(echo: Flask) -> None:
    wire = ask(echo, Wire(), scope("GET", "/icon"))
    assert (wire.status, wire.file) == (200, str(ROOT / "static" / "css" / "site.css"))
    part = ask(echo, Wire(), scope("GET", "/icon", range="bytes=0-3"))
    assert (part.status, len(part.body), part.file) == (206, 4, "")


def test_a_header_with_underscores_does_not_pass_for_the_proxys_own(echo: Flask) -> None:
    said = scope("GET", "/seen")
    said.headers = {"x-real": "1", "x_forwarded_for": "6.6.6.6"}
    assert ask(echo, Wire(), said).body.strip() == b'{"HTTP_X_REAL":"1"}'


def test_when_too_many_wait_the_next_is_told_to_come_back(echo: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "WAITING", 0)
    wire = ask(echo, Wire(), scope())
    assert (wire.status, wire.headers["retry-after"]) == (503, "5")
