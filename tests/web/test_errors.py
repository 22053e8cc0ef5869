"""What is said when something is broken, and that nothing is left half done."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from newsletter.app import create_app
from newsletter.db import Database
from newsletter.mail.ledger import Message, State
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.subscribers import Consent, Status, Subscriber
from newsletter.web import state
from tests.web.conftest import Visitor, forms


def _counts(database: Database) -> list[int]:
    tables = (Subscriber, Consent, Message)
    with database.reading() as session:
        return [session.scalar(select(func.count(table.id))) or 0 for table in tables]


class _Elsewhere:
    """A trigger whose workers are on another machine."""

    def wake(self) -> None:
        """Deliver nothing here."""


@pytest.fixture
def filling_up(app: Flask, runtime: Runtime, database: Database) -> Iterator[Visitor]:
    """A visitor of a site whose disk has no room left: what fits into SQLite's last pages still goes in."""
    app.extensions["newsletter"] = state.WebState(runtime, _Elsewhere())

    def no_page_more(connection: Any, _: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(database.engine, "connect", no_page_more)
    database.dispose()
    yield Visitor(app.test_client())
    event.remove(database.engine, "connect", no_page_more)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL cannot be told to be full
def test_a_full_disk_is_told_and_nothing_is_half_written(filling_up: Visitor, database: Database) -> None:
    form = forms(filling_up.get("/"))[0]
    stored = 0
    for number in range(200):
        answer = filling_up.send(form, email=f"p{number}@example.com", first_name="x" * 80)
        if answer.status_code != 303:
            break
        stored += 1
    assert answer.status_code == 503
    assert "Our disk is full, so nothing could be stored; nothing is half done." in answer.text
    assert _counts(database) == [stored] * 3
    assert filling_up.get("/").status_code == 200, "looking still works"


def test_a_database_that_is_gone_is_told_in_plain_words(visitor: Visitor, runtime: Runtime) -> None:
    form = forms(visitor.get("/"))[0]
    runtime.database.dispose()
    runtime.database = Database("sqlite:////nowhere/at/all.sqlite3")
    for answer in (visitor.get("/"), visitor.browser.post(form.action, data=form.fields)):
        assert answer.status_code == 503
        assert "Our database does not answer just now" in answer.text
        assert "Traceback" not in answer.text and "sqlite" not in answer.text
    assert visitor.get("/healthz").status_code == 503


@pytest.mark.parametrize("path", ["/nowhere", "/guides/none", "/archive/none", "/confirm/", "/wp-login.php", "/.env"])
def test_a_page_that_is_not_there_is_told_on_a_page(path: str, visitor: Visitor) -> None:
    page = visitor.get(path)
    assert page.status_code == 404
    assert "Human Movement" in page.text and "This page does not exist" in page.text


def test_a_path_is_shown_as_text(visitor: Visitor) -> None:
    assert "<script>" not in visitor.get("/<script>alert(1)</script>{{7*7}}").text.replace("<script nonce", "")


def test_the_wrong_method_is_told_on_a_page(visitor: Visitor) -> None:
    page = visitor.get("/subscribe")
    assert page.status_code == 405
    assert "use the page's own button" in page.text.replace("&#39;", "'")


@pytest.fixture
def without_redis(runtime: Runtime) -> Flask:
    """The application with the real trigger, and nobody at the address where Redis should be."""
    settings = load({"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40,
                     "PUBLIC_URL": "http://localhost:8000", "REDIS_URL": "redis://127.0.0.1:1/0"})  # fmt: skip
    runtime.settings = settings
    return create_app(settings, runtime)


def test_with_redis_down_the_sign_up_is_stored_and_its_mail_waits(without_redis: Flask, runtime: Runtime) -> None:
    visitor = Visitor(without_redis.test_client())
    before = time.monotonic()
    assert visitor.subscribe().status_code == 303
    assert time.monotonic() - before < 3, "the page waits for nobody"
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber.status)).all() == [Status.PENDING]
        assert session.scalars(select(Message.state)).all() == [State.READY]
    health = visitor.get("/healthz")
    assert (health.status_code, health.get_json()["redis"]) == (200, "ConnectionError")
