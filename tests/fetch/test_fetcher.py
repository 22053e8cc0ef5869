"""What stands at an address is fetched; nothing of our own network is, and no server costs more than was meant."""

import gzip
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from newsletter.fetch import NEVER_SEEN, PAGES, Fetcher, NotFetched, Trouble, Unchanged, Version, in_words
from newsletter.fetch.fetched import Fetched
from newsletter.fetch.fetcher import LARGEST
from tests.fetch.hostile import Say, onward, page, serving

EXAMPLE = "93.184.215.14"


def nobody(name: str, _seconds: float) -> list[str]:
    """A DNS in which no site is."""
    raise NotFetched(Trouble.NO_HOST)


HERE = Fetcher(local=True, lookup=nobody)


def trouble(fetcher: Fetcher, url: str, patience: float = 10.0) -> Trouble:
    """Why it is not fetched."""
    with pytest.raises(NotFetched) as refused:
        fetcher.get(url, PAGES, patience=patience)
    return refused.value.trouble


def test_a_page_is_fetched_and_nothing_of_ours_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serving({"/a%20b/%C3%BC": page(b"<p>Hello", "Text/HTML; charset=utf-8")}) as site:
        found = HERE.get(site.url("/a%20b/ü?q=ü&r=%2F#part"), PAGES)
        assert (found.body, found.kind, found.charset) == (b"<p>Hello", "text/html", "utf-8")
        assert found.address == site.url("/a%20b/%C3%BC?q=%C3%BC&r=%2F") and site.asked == [
            "/a%20b/%C3%BC?q=%C3%BC&r=%2F"
        ]
        assert "Cookie" not in site.heads[0] and "Authorization" not in site.heads[0] and "Referer" not in site.heads[0]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", Trouble.SCHEME), ("gopher://127.0.0.1:6379/_FLUSHALL", Trouble.SCHEME),
        ("ftp://example.org/", Trouble.SCHEME), ("data:text/html,x", Trouble.SCHEME), ("", Trouble.ADDRESS),
        ("javascript:alert(1)", Trouble.SCHEME), ("//example.org/", Trouble.ADDRESS), ("http://", Trouble.ADDRESS),
        ("http://paul:secret@example.org/", Trouble.CREDENTIALS), ("http://@example.org/", Trouble.CREDENTIALS),
        ("http://example.org:22/", Trouble.PORT), ("http://example.org:0/", Trouble.PORT),
        ("http://example.org:99999/", Trouble.ADDRESS), ("http://example.org:x/", Trouble.ADDRESS),
        ("http://exa mple.org/", Trouble.ADDRESS), ("http://example.org/\r\nHost: x", Trouble.ADDRESS),
        ("http://example.org\\@127.0.0.1/", Trouble.ADDRESS), ("http://[::1/", Trouble.ADDRESS),
        ("http://example.org/" + "a" * 2000, Trouble.ADDRESS), ("http://-\u2028.example/", Trouble.ADDRESS),
        ("http://127.0.0.1/", Trouble.PRIVATE), ("http://localhost/", Trouble.PRIVATE),
        ("http://LOCALHOST./", Trouble.PRIVATE), ("http://127.0.0.1:6379/", Trouble.PRIVATE),
        ("http://[::1]/", Trouble.PRIVATE), ("http://[::ffff:127.0.0.1]/", Trouble.PRIVATE),
        ("http://[::ffff:7f00:1]/", Trouble.PRIVATE), ("http://[64:ff9b::7f00:1]/", Trouble.PRIVATE),
        ("http://[2002:7f00:1::]/", Trouble.PRIVATE), ("http://[fd00:ec2::254]/", Trouble.PRIVATE),
        ("http://[fe80::1%25eth0]/", Trouble.PRIVATE), ("http://[ff0e::1]/", Trouble.PRIVATE),
        ("http://169.254.169.254/latest/", Trouble.PRIVATE), ("http://168.63.129.16/", Trouble.PRIVATE),
        ("http://100.100.100.200/", Trouble.PRIVATE), ("http://10.1.2.3/", Trouble.PRIVATE),
        ("http://172.16.0.1/", Trouble.PRIVATE), ("http://192.168.1.1/", Trouble.PRIVATE),
        ("http://0.0.0.0/", Trouble.PRIVATE), ("http://224.0.0.1/", Trouble.PRIVATE),
        ("http://255.255.255.255/", Trouble.PRIVATE), ("http://192.0.0.192/", Trouble.PRIVATE),
        ("http://2130706433/", Trouble.NO_HOST), ("http://0x7f.1/", Trouble.NO_HOST),
        ("http://127.1/", Trouble.NO_HOST), ("http://①②⑦.⓪.⓪.①/", Trouble.PRIVATE),
        ("http://nowhere.example/", Trouble.NO_HOST),
    ],
)  # fmt: skip
def test_an_address_that_leads_nowhere_or_into_a_private_network_is_refused(url: str, why: Trouble) -> None:
    assert trouble(Fetcher(lookup=nobody), url) is why


@pytest.mark.parametrize("found", [["127.0.0.1"], [EXAMPLE, "10.0.0.1"], ["::1"], ["::ffff:10.0.0.1"], ["fe80::1%lo"]])
@pytest.mark.parametrize("local", [False, True])
def test_a_name_of_which_one_address_is_private_is_refused(found: list[str], local: bool) -> None:
    assert trouble(Fetcher(local=local, lookup=lambda *_: found), "http://inside.example/") is Trouble.PRIVATE


def _as_example(monkeypatch: pytest.MonkeyPatch, port: int) -> list[object]:
    """Let the site's address lead to our server; what else is connected to is noted and refused."""
    real, dialled = socket.create_connection, list[object]()

    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        dialled.append(address)
        if address[0] != EXAMPLE:
            raise ConnectionRefusedError
        return real(("127.0.0.1", port), timeout)

    monkeypatch.setattr(socket, "create_connection", dial)
    return dialled


def test_the_address_that_was_checked_is_the_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([[EXAMPLE], ["127.0.0.1"]])  # a name that changes its mind (DNS rebinding)
    with serving({"/": page(b"ours")}) as site:
        dialled = _as_example(monkeypatch, site.port)
        fetcher = Fetcher(lookup=lambda *_: next(answers))
        assert fetcher.get("http://Blog.example/", PAGES).body == b"ours" and dialled == [(EXAMPLE, 80)]
        assert "Host: blog.example\r\n" in site.heads[0]
        assert trouble(fetcher, "http://blog.example/") is Trouble.PRIVATE and len(dialled) == 1


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("http://127.0.0.1/", Trouble.PRIVATE), ("http://localhost:6379/", Trouble.PRIVATE),
        ("//169.254.169.254/", Trouble.PRIVATE), ("http://inside.example/", Trouble.PRIVATE),
        ("file:///etc/passwd", Trouble.SCHEME), ("http://a:b@blog.example/", Trouble.CREDENTIALS),
        ("http://blog.example:8080/", Trouble.PORT), ("http://[/", Trouble.ADDRESS),
    ],
)  # fmt: skip
def test_a_redirect_is_checked_as_what_was_typed(
    to: str, why: Trouble, local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving({"/": onward(to)}) as site:
        dialled = _as_example(monkeypatch, site.port)
        fetcher = Fetcher(local=local, lookup=lambda name, _: [EXAMPLE if name == "blog.example" else "10.0.0.5"])
        assert trouble(fetcher, "http://blog.example/") is why and dialled == [(EXAMPLE, 80)]


@pytest.mark.parametrize(("hops", "works"), [(5, True), (6, False), (10, False)])
def test_five_redirects_are_followed_and_no_more(hops: int, works: bool) -> None:
    says: dict[str, bytes | Say] = {f"/{n}": onward(f"{n + 1}") for n in range(hops)}
    with serving(says | {f"/{hops}": page(b"end")}) as site:
        if works:
            assert HERE.get(site.url("/0"), PAGES).address == site.url(f"/{hops}")
        else:
            assert trouble(HERE, site.url("/0")) is Trouble.REDIRECTS and len(site.asked) == 6


def _endless(piece: bytes) -> Callable[[socket.socket], None]:
    def say(visitor: socket.socket) -> None:
        visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:  # until the other side has had enough
            visitor.sendall(piece)

    return say


def _drip(visitor: socket.socket, head: bytes) -> None:
    visitor.sendall(head)
    visitor.settimeout(0.02)
    while True:
        try:
            if not visitor.recv(1):
                return
        except TimeoutError:
            visitor.sendall(b"a")


def test_an_endless_body_and_one_that_says_it_is_long_are_given_up() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000001\r\n\r\n"
    with serving({"/endless": _endless(b"a" * 65_536), "/long": long}) as site:
        assert trouble(HERE, site.url("/endless")) is Trouble.LARGE
        assert trouble(HERE, site.url("/long")) is Trouble.LARGE


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"]
)
def test_a_server_that_drips_is_given_up_when_the_time_is_over(head: bytes) -> None:
    with serving({"/": lambda visitor: _drip(visitor, head)}) as site:
        assert trouble(HERE, site.url(), patience=0.2) is Trouble.SLOW


def test_what_is_packed_is_unpacked_and_a_bomb_is_not() -> None:
    bomb = gzip.compress(b"\0" * (LARGEST + 1))
    sound = gzip.compress("Grüße".encode() * 1000)
    says: dict[str, bytes | Say] = {
        "/bomb": page(bomb, Content_Encoding="gzip"), "/sound": page(sound, Content_Encoding="gzip"),
        "/cut": page(sound[:-9], Content_Encoding="gzip"), "/none": page(b"no gzip", Content_Encoding="gzip"),
        "/other": page(b"x", Content_Encoding="br"),
    }  # fmt: skip
    assert len(bomb) < 10_000
    with serving(says) as site:
        assert HERE.get(site.url("/sound"), PAGES).text() == "Grüße" * 1000
        assert trouble(HERE, site.url("/bomb")) is Trouble.LARGE
        assert {trouble(HERE, site.url(path)) for path in ("/cut", "/none", "/other")} == {Trouble.GARBLED}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Trouble.GONE), (b"HTTP/1.1 403 No\r\n\r\n", Trouble.REFUSED),
        (b"HTTP/1.1 500 Oh\r\n\r\n", Trouble.STATUS), (b"HTTP/1.1 302 Found\r\n\r\n", Trouble.STATUS),
        (page(b"MZ", "application/octet-stream"), Trouble.KIND), (b"HTTP/1.1 200 OK\r\n\r\n<p>x", Trouble.KIND),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Trouble.GARBLED), (b"\0\xff" * 99, Trouble.GARBLED), (b"", Trouble.UNREACHABLE),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\nshort", Trouble.GARBLED),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Trouble.GARBLED),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n", Trouble.GARBLED),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_page_is_told_by_its_kind(said: bytes, why: Trouble) -> None:
    with serving({"/": said}) as site:
        assert trouble(HERE, site.url()) is why


def test_a_site_that_is_not_there_or_shows_no_certificate_is_told() -> None:
    with serving({}) as site:
        assert trouble(HERE, site.url().replace("http:", "https:")) is Trouble.TLS
    assert trouble(HERE, site.url()) is Trouble.UNREACHABLE


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("utf-8", "Grüße".encode(), "Grüße"), ("", "Grüße".encode(), "Grüße"), ("nonsense", "Grüße".encode(), "Grüße"),
        ("", "Grüße".encode("cp1252"), "Grüße"),
        ("latin1", "“Grüße”".encode("cp1252"), "“Grüße”"),
        ("rot13", b"Hello", "Hello"), ("idna", b"Hello", "Hello"), ("zip", b"Hello", "Hello"),
        ("\0", b"Hello", "Hello"),
        ("utf-8", "Grüße".encode("cp1252"), "Gr\ufffd\ufffde"), ("utf-16", "Grüße".encode("utf-16"), "Grüße"),
        ("utf-8", "Grüße".encode("utf-16"), "Grüße"), ("", b'<meta charset="koi8-r">\xf0', '<meta charset="koi8-r">П'),
        ("", b'<?xml version="1.0" encoding="ISO-8859-1"?>\xfc', '<?xml version="1.0" encoding="ISO-8859-1"?>ü'),
        ("utf-8", b"a\0\x1bb\r\nc", "ab\nc"), ("utf-16", b"\xff", "\ufffd"),
    ],
)  # fmt: skip
def test_a_wrong_charset_breaks_nothing(charset: str, body: bytes, text: str) -> None:
    assert Fetched(address="", kind="text/html", charset=charset, body=body).text() == text


def test_every_trouble_says_what_to_do() -> None:
    assert all(str(in_words(one)).endswith(".") for one in Trouble)


def test_a_certificate_that_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
    signed = made.serial_number(1).sign(key, hashes.SHA256())
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    both = key.private_bytes(serialization.Encoding.PEM, *plain) + signed.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "both.pem").write_bytes(both)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with socket.create_server(("127.0.0.1", 0)) as door:

        def greet() -> None:
            with suppress(OSError):
                context.wrap_socket(door.accept()[0], server_side=True).close()

        threading.Thread(target=greet, daemon=True).start()
        assert trouble(HERE, f"https://127.0.0.1:{door.getsockname()[1]}/") is Trouble.TLS


NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\n\r\n"
SEEN = Version('W/"7"', "Mon, 01 Jun 2026 10:00:00 GMT")


def test_what_was_seen_is_said_and_not_sent_again() -> None:
    says: dict[str, bytes | Say] = {"/": page(b"x", ETag=SEEN.etag, Last_Modified=SEEN.last_modified)}
    with serving(says) as site:
        found = HERE.get(site.url(), PAGES)
        assert found.version == SEEN and "If-" not in site.heads[0]
        says["/"] = NOT_MODIFIED
        with pytest.raises(Unchanged):
            HERE.get(site.url(), PAGES, seen=SEEN)
        assert f"If-None-Match: {SEEN.etag}\r\nIf-Modified-Since: {SEEN.last_modified}\r\n" in site.heads[1]
        with pytest.raises(NotFetched):
            HERE.get(site.url(), PAGES)  # nobody had asked for that


def test_what_was_seen_is_not_said_where_it_leads_on() -> None:
    with serving({"/": onward("/b"), "/b": NOT_MODIFIED}) as site:
        with pytest.raises(NotFetched):
            HERE.get(site.url(), PAGES, seen=SEEN)
        assert "If-None-Match" in site.heads[0] and "If-" not in site.heads[1]


@pytest.mark.parametrize("told", ["x" * 501, "a\tb", "é", "a\rX-Evil: 1"])
def test_what_cannot_be_said_back_in_one_line_is_not_kept(told: str) -> None:
    assert Version.told(told, told) == Version.told(None, None) == NEVER_SEEN
