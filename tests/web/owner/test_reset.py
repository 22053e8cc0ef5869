"""A forgotten password, from the sign-in page to the new one."""

import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from newsletter.accounts import AuditEntry
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk, readable, sign_in

NEW = "a staple for the horse"
Inbox = Callable[[str], list[EmailMessage]]


def _send(client: FlaskClient, path: str, **form: str) -> TestResponse:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found is not None
    return client.post(path, data={"csrf_token": found[1], **form})


@pytest.fixture
def link(client: FlaskClient, owner: int, inbox: Inbox) -> str:
    """The path of the link that Paula was sent."""
    assert _send(client, "/owner/forgot", email=EMAIL).location == "/owner/login"
    (mail,) = inbox(EMAIL)
    part = mail.get_body(("plain",))
    assert part is not None and "new password" in mail["Subject"]
    (url,) = [word for word in part.get_content().split() if "/owner/reset/" in word]
    html = mail.get_body(("html",))
    assert html is not None and url in html.get_content()
    return urlsplit(url).path


def test_the_link_leads_to_a_new_password(client: FlaskClient, app: Flask, desk: Desk, link: str, inbox: Inbox) -> None:
    for _ in range(3):  # opened by a scanner first
        page = client.get(link)
        assert page.status_code == 200
        assert page.headers["Cache-Control"] == "private, no-store"
    answer = _send(client, link, new=NEW, new_again=NEW)
    assert (answer.status_code, answer.location) == (303, "/owner/login")
    assert "Your password is changed" in client.get("/owner/login").text
    assert desk.client.get("/owner/").status_code == 302
    assert sign_in(app.test_client(), PASSWORD).status_code == 422
    assert sign_in(client, NEW).status_code == 303
    assert "Your password was changed" in inbox(EMAIL)[-1]["Subject"]
    again = client.get(link)
    assert again.status_code == 410 and "used already" in readable(again.text)


def test_known_and_unknown_are_told_alike(client: FlaskClient, app: Flask, owner: int, inbox: Inbox) -> None:
    told = []
    for email in (EMAIL, "nobody@example.org"):
        browser = app.test_client()
        answer = _send(browser, "/owner/forgot", email=email)
        told.append((answer.status_code, answer.location, readable(browser.get("/owner/login").text)))
    assert told[0] == told[1]
    assert "a mail with a link is on its way" in told[0][2]
    assert inbox("nobody@example.org") == []


def test_a_link_runs_out(client: FlaskClient, link: str, clock: FixedClock) -> None:
    clock.forward(timedelta(minutes=31))
    assert client.get(link).status_code == 410
    assert client.post(link, data={"new": NEW, "new_again": NEW}).status_code in (400, 410)


@pytest.mark.parametrize(
    ("new", "again", "word"),
    [("short", "short", "at least 10"), ("Password123!", "Password123!", "too easy to guess"), (NEW, "x", "differ")],
)
def test_a_password_that_will_not_do_uses_nothing_up(
    client: FlaskClient, link: str, new: str, again: str, word: str, runtime: Runtime
) -> None:
    answer = _send(client, link, new=new, new_again=again)
    assert answer.status_code == 422 and word in answer.text
    with runtime.database.reading() as session:
        refused = session.scalar(select(func.count()).where(AuditEntry.action == "new password refused"))
    assert refused == (word != "differ")
    assert _send(client, link, new=NEW, new_again=NEW).status_code == 303


@pytest.mark.parametrize("spoilt", ["x", "A" * 58, "%00", "é"])
def test_another_link_opens_nothing(client: FlaskClient, owner: int, spoilt: str) -> None:
    assert client.get(f"/owner/reset/{spoilt}").status_code == 410


def test_a_flood_of_questions_sends_three_mails_and_is_answered_alike(
    client: FlaskClient, owner: int, inbox: Inbox
) -> None:
    assert {_send(client, "/owner/forgot", email=EMAIL).status_code for _ in range(8)} == {303}
    assert len(inbox(EMAIL)) == 3


def test_the_link_is_for_the_mailbox_alone(client: FlaskClient, link: str, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        id = session.scalars(select(Message.id).where(Message.stream == Stream.RESET)).one()
    assert client.get(urlsplit(runtime.renderer.urls.view(id)).path).status_code == 410


def test_guesses_of_strangers_do_not_keep_out_who_has_the_mailbox(client: FlaskClient, app: Flask, link: str) -> None:
    for number in range(6):
        sign_in(app.test_client(), f"wrong password {number}")
    assert sign_in(app.test_client()).status_code == 429
    _send(client, link, new=NEW, new_again=NEW)
    for number in range(6):
        sign_in(app.test_client(), f"wrong password {number}")
    assert sign_in(client, NEW).status_code == 303
