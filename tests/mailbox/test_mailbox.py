"""The local mailbox: keeps every message, and shows it without running it."""

import smtplib
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from newsletter.clock import FixedClock
from newsletter.local_mail import FILE
from newsletter.mailbox import Store, create
from newsletter.mailbox.server import smtp_server

NOON = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
SITE = "http://127.0.0.1:8000"
RAW = (
    b"From: Paul <paul@example.com>\r\nTo: jane@example.com\r\nSubject: =?utf-8?q?H=C3=A9llo?=\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<p onclick='x()'>Hello</p><script>1</script>\r\n"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "mailbox.sqlite3")


@pytest.fixture
def page(store: Store) -> FlaskClient:
    store.add("b+1@localhost", ["jane@example.com"], RAW, NOON)
    return create(store, site=SITE).test_client()


def test_messages_are_listed_oldest_first_and_by_address_in_any_case(page: FlaskClient, store: Store) -> None:
    store.add("b+2@localhost", ["bob@example.com"], b"Subject: Second\r\n\r\nx\r\n", NOON + timedelta(seconds=1))
    every = page.get("/messages.json").get_json()
    assert [one["subject"] for one in every] == ["Héllo", "Second"]
    (hers,) = page.get("/messages.json?to=JANE@example.com").get_json()
    assert hers == {
        "id": 1, "from": "Paul <paul@example.com>", "to": "jane@example.com", "subject": "Héllo",
        "received_at": "2026-06-01T11:00:00+00:00",
    }  # fmt: skip


def test_the_raw_message_is_kept_to_the_byte(page: FlaskClient) -> None:
    answer = page.get("/messages/1.eml")
    assert (answer.data, answer.mimetype) == (RAW, "message/rfc822")


def test_a_message_for_two_is_kept_for_each(store: Store) -> None:
    store.add("", ["jane@example.com", "bob@example.com"], RAW, NOON)
    assert store.total() == 2
    assert [one.to for one in store.entries("bob@example.com")] == ["bob@example.com"]


def test_the_page_finds_by_a_part_of_an_address_and_scripts_by_the_whole(page: FlaskClient, store: Store) -> None:
    store.add("", ["bob_b@example.org"], RAW, NOON)
    for part in ("bob", "B_B@", "example.org"):
        seen = page.get("/", query_string={"to": part}).text
        assert "bob_b@example.org" in seen and "jane@example.com" not in seen, part
    assert "No mail to" in page.get("/?to=b%25b").text, "no wildcard"
    assert page.get("/messages.json?to=bob").get_json() == []


def test_its_pages_show_and_its_html_runs_nothing(page: FlaskClient) -> None:
    assert "Héllo" in page.get("/").text
    assert page.get("/messages/1").status_code == 200
    html = page.get("/messages/1.html")
    assert "sandbox" in html.headers["Content-Security-Policy"]
    assert "script-src" not in html.headers["Content-Security-Policy"]
    assert f"img-src data: {SITE};" in html.headers["Content-Security-Policy"], "pictures of our own, and no others"


@pytest.mark.parametrize("path", ["/messages/404", "/messages/404.eml", "/messages/404.html", "/static/css/site.css"])
def test_what_is_not_there_is_not_found(path: str, page: FlaskClient) -> None:
    assert page.get(path).status_code == 404


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"Subject: =?x?q?\xff?=\r\n\r\n", b"no header", b"\r\n" * 50])
def test_any_bytes_are_kept_and_shown(raw: bytes, page: FlaskClient, store: Store) -> None:
    store.add("", ["jane@example.com"], raw, NOON)
    assert page.get("/").status_code == page.get("/messages/2").status_code == 200
    assert page.get("/messages/2.eml").data == raw


@pytest.mark.parametrize("host", ["rebound.example:8025", "127.0.0.1.rebound.example", "192.168.1.5:8025", "", "a b"])
def test_no_other_site_reads_it_through_a_browser_on_this_machine(host: str, page: FlaskClient) -> None:
    for path in ("/", "/messages.json", "/messages/1", "/messages/1.eml", "/messages/1.html"):
        told = page.get(path, environ_overrides={"HTTP_HOST": host})
        assert told.status_code == 403
        assert "jane@" not in told.text


@pytest.mark.parametrize("host", ["127.0.0.1:8025", "localhost:9025", "[::1]:8025"])
def test_it_is_shown_under_the_names_of_this_machine(host: str, page: FlaskClient) -> None:
    assert page.get("/messages.json", headers={"Host": host}).status_code == 200


def test_many_at_once_are_all_kept(store: Store) -> None:
    def add() -> None:
        for _ in range(10):
            store.add("", ["jane@example.com"], RAW, NOON)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.total() == 40


PARTS = (
    b"Content-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe",
    b"Content-Type: text/html; charset=\xff\r\n\r\n<p>",
    b'Content-Type: text/html; charset="\r\n\r\n<head>',
    b"Content-Type: text/plain; charset=utf-16\r\n\r\nabc",
    b"Content-Type: text/html; charset=idna\r\n\r\n\xff.",
    b"Content-Type: text/plain; charset=rot13\r\n\r\nabc",
    b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n=A=!\xff",
    b"Content-Type: \xff/\x00\r\n\r\nx",
    b"Content-Type: text/plain\r\nContent-Transfer-Encoding: uuencode\r\n\r\nbegin\r\n\xff",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: multipart/related\r\n\r\nx",
    b"Content-Type: message/partial",
    b"Content-Type: image/png; name*=klingon'x'%FF%ED%A0%80\r\n"
    b"Content-Disposition: attachment; filename*=a'b'c'd\r\n\r\nx",
    b'Content-Disposition: attachment; filename="=?klingon?b?/w==?="\r\n\r\nx',
    b"Content-Type: text/html\r\n\r\n\xed\xa0\x80",
)
LINES = (
    b"From: <",
    b"From: =?utf-8?q?=ED=A0=80?= <a@b",
    b"To: a@b,,;:<>",
    b"Subject: =?x?b?=?=\r\n =?utf-8?q??=",
    b"Date: never",
    b"Message-ID: <",
    b"Message-ID: []",
    b"Subject: \xff\xfe\x00",
    b":",
    b" : x",
    b"Subject:" + b" a" * 3000,
    b"X\xff: y",
    b"Content-Type: multipart/mixed; boundary=",
    b'Content-Type: multipart/alternative; boundary="="',
    b"MIME-Version: \xff",
    b"Content-Type: ;;;=",
    b'Reply-To: "\\',
    b"Sender: @",
    b"List-Id: <<>>",
    b"Content-Transfer-Encoding: 8bit; \xff",
)


@st.composite
def odd_mails(draw: st.DrawFn) -> bytes:
    """What no mail program would send, and somebody does."""
    head = b"\r\n".join(draw(st.lists(st.sampled_from(LINES) | st.binary(max_size=40), max_size=5)))
    parts = draw(st.lists(st.sampled_from(PARTS) | st.binary(max_size=60), max_size=4))
    if draw(st.booleans()):
        return head + b"\r\n" + b"\r\n".join(parts[:1])
    kind = draw(st.sampled_from([b"mixed", b"alternative", b"related", b"signed", b"digest"]))
    body = b"".join(b"\r\n--x\r\n" + part for part in parts)
    return head + b"\r\nContent-Type: multipart/" + kind + b"; boundary=x\r\n\r\n" + body + draw(st.binary(max_size=9))


def _looked_at(page: FlaskClient, number: int) -> None:
    for path in ("/", "/messages.json", f"/messages/{number}", f"/messages/{number}.eml"):
        assert page.get(path).status_code == 200, path
    assert page.get(f"/messages/{number}.html").status_code in (200, 404)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_cannot_be_read_is_shown_as_it_is(part: bytes, page: FlaskClient, store: Store) -> None:
    for number, raw in ((2, part), (3, b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" + part)):
        store.add("", ["jane@example.com"], raw, NOON)
        _looked_at(page, number)


@given(odd_mails(), st.text(max_size=20))
def test_no_mail_is_too_odd_to_be_kept_and_shown(raw: bytes, to: str) -> None:
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / FILE)
        store.add("\udcff", [to, "a\udcff@b"], raw, NOON)
        page = create(store).test_client()
        _looked_at(page, 1)
        assert page.get("/messages/1.eml").data == raw
        store.forget("jane@example.com")


@pytest.mark.parametrize(
    "path", ["/messages/0", "/messages/" + "9" * 19, "/messages/" + "9" * 5000 + ".eml", "/messages/%00.html", "/%ff\0"]
)
def test_an_odd_address_is_not_found(path: str, page: FlaskClient) -> None:
    for method in ("GET", "POST", "BREW"):
        assert page.open(path, method=method).status_code in (404, 405)


@pytest.mark.parametrize("query", ["to=%ED%A0%80", "to=%00", "to=" + "a" * 9999, "to[]=1&%=", "=&&", "to=%ff"])
def test_an_odd_search_finds_nothing(query: str, page: FlaskClient) -> None:
    assert page.get(f"/messages.json?{query}").status_code == page.get(f"/?{query}").status_code == 200


@pytest.mark.parametrize(
    "raw", [*PARTS[:6], b"\0", b"From: =?klingon?b?/w==?=\r\n\r\n\xff", LINES[2], LINES[5] + b"\r\n\r\n"]
)
def test_odd_mail_is_taken_over_smtp(raw: bytes, store: Store) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = smtp_server(store, FixedClock(NOON), port)
    controller.start()
    try:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            assert smtp.sendmail("a@b", ["jane@example.com"], raw) == {}
    finally:
        controller.stop()
    assert store.total() == 1
