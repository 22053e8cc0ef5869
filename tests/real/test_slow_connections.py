"""Two hundred connections that send or read as slowly as they can, and people beside them."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.real.conftest import Product, until

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("slow connections")]  # one product for all of them
EACH = 50
GENEROUS = 8.0
"""Seconds for a sign-up that takes a twentieth of one on an idle machine; a frozen site takes for ever."""


def _opened(product: Product, stack: ExitStack, sent: bytes, window: int | None = None) -> socket.socket:
    made = stack.enter_context(socket.socket())
    if window is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    made.connect(("127.0.0.1", product.port))
    made.sendall(sent)
    return made


def _post(path: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: 40\r\n\r\nguide="
    ).encode()


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def _is_open(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        return one.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One for all of them: strangers leave nothing behind."""
    made = Product(tmp_path_factory.mktemp("slow") / "a folder" / "var")
    yield made.start()
    made.stop()


@pytest.fixture
def pdf(product: Product) -> str:
    """The path of a guide that somebody may download."""
    product.sign_up("jane@example.com", "exercise-at-50")
    page = product.confirm("jane@example.com")
    found = re.search(r'href="(/download/[^"]+)"', page)
    assert found, page
    return found[1]


@pytest.fixture
def crowd(product: Product, pdf: str) -> Iterator[list[socket.socket]]:
    """Half-sent headers, half-sent forms, nothing at all, and readers who take a guide and do not read it."""
    with ExitStack() as stack:
        kinds: list[Callable[[], socket.socket]] = [
            lambda: _opened(product, stack, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow"),
            lambda: _opened(product, stack, _post("/subscribe")),
            lambda: _opened(product, stack, b""),
            lambda: _opened(product, stack, _get(pdf), window=2048),
        ]
        yield [kind() for _ in range(EACH) for kind in kinds]


def test_two_hundred_slow_connections_hold_up_nobody(product: Product, crowd: list[socket.socket]) -> None:
    began = time.monotonic()
    assert "inbox" in product.sign_up("bob@example.com")
    took = time.monotonic() - began
    assert all(_is_open(one) for one in crowd), "the sign-up came while they were all there"
    assert took < GENEROUS
    product.mail("bob@example.com", "confirm")


def test_who_sends_too_slowly_is_told_and_let_go(product: Product) -> None:
    with ExitStack() as stack:
        half_form, half_head = _opened(product, stack, _post("/subscribe")), _opened(product, stack, b"GET / HT")
        for one in (half_form, half_head):
            one.settimeout(60)
        assert b" 408 " in half_form.recv(4096).split(b"\r\n")[0]
        assert half_head.recv(4096) == b""
        until(lambda: half_form.recv(65536) == b"", why="the connection is closed behind the answer")


def test_the_owners_area_reads_nothing_of_a_stranger(product: Product) -> None:
    with ExitStack() as stack:
        stranger = _opened(product, stack, _post("/owner/articles/new"))
        stranger.settimeout(GENEROUS)  # the rest of the form never comes
        assert b" 400 " in stranger.recv(4096).split(b"\r\n")[0]


def test_a_body_beyond_the_limit_is_refused_on_a_page_before_it_is_there(product: Product, tmp_path: Path) -> None:
    with ExitStack() as stack:
        large = _opened(product, stack, _post("/subscribe").replace(b"Length: 40", b"Length: 999999999"))
        large.settimeout(GENEROUS)
        answer = large.recv(65536)
        assert b" 413 " in answer.split(b"\r\n")[0]
        assert b"larger than any form" in answer
