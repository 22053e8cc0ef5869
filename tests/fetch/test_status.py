"""What a site answers, without its body: by HEAD, by GET where that is refused, and never from our own network."""

import socket

import pytest

from newsletter.fetch import Fetcher, NotFetched, Trouble
from tests.fetch.hostile import onward, page, serving
from tests.fetch.test_fetcher import HERE, nobody

GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
NOT_SO = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"


def test_a_page_is_asked_for_by_head_and_its_body_is_left() -> None:
    with serving({"/": page(b"x" * 100_000)}) as site:
        assert HERE.status(site.url()) == 200
        assert [one.split()[0] for one in site.heads] == ["HEAD"]


def test_what_is_gone_is_asked_for_twice_and_said() -> None:
    with serving({}) as site:
        assert HERE.status(site.url("/no")) == 404
        assert [one.split()[0] for one in site.heads] == ["HEAD", "GET"]


def test_a_site_that_knows_get_alone_is_there() -> None:
    def answer(visitor: socket.socket) -> None:
        visitor.sendall(NOT_SO if site.heads[-1].startswith("HEAD") else page(b"here"))

    with serving({"/": answer}) as site:
        assert HERE.status(site.url()) == 200 and len(site.heads) == 2


def test_a_site_that_hangs_up_on_head_is_asked_by_get() -> None:
    def answer(visitor: socket.socket) -> None:
        if site.heads[-1].startswith("GET"):
            visitor.sendall(page(b"here"))

    with serving({"/": answer}) as site:
        assert HERE.status(site.url()) == 200


def test_redirects_are_followed_and_those_into_our_network_are_not() -> None:
    with serving({"/a": onward("/b"), "/b": page(b"")}) as site:
        assert HERE.status(site.url("/a")) == 200
    with serving({"/a": onward("http://169.254.169.254/")}) as site, pytest.raises(NotFetched) as refused:
        HERE.status(site.url("/a"))
    assert refused.value.trouble is Trouble.PRIVATE


@pytest.mark.parametrize(("url", "why"), [
    ("http://127.0.0.1:1/", Trouble.PRIVATE), ("http://10.0.0.1/", Trouble.PRIVATE),
    ("http://nowhere.example/", Trouble.NO_HOST), ("ftp://example.org/", Trouble.SCHEME),
])  # fmt: skip
def test_nothing_of_ours_is_asked(url: str, why: Trouble) -> None:
    with pytest.raises(NotFetched) as refused:
        Fetcher(lookup=nobody).status(url)
    assert refused.value.trouble is why
