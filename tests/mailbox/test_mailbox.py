"""The local mailbox: keeps every message, and shows it without running it."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from newsletter.mailbox import Store, create

NOON = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
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
    return create(store).test_client()


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


def test_its_pages_show_and_its_html_runs_nothing(page: FlaskClient) -> None:
    assert "Héllo" in page.get("/").text
    assert page.get("/messages/1").status_code == 200
    html = page.get("/messages/1.html")
    assert "sandbox" in html.headers["Content-Security-Policy"]
    assert "script-src" not in html.headers["Content-Security-Policy"]


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
