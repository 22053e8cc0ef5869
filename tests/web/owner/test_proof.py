"""The password once more, before what cannot be undone or takes data out."""

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber
from tests.web.owner.conftest import PASSWORD, Desk, readable

LATER = timedelta(minutes=11)


@pytest.fixture
def jane(person: Callable[..., int]) -> int:
    return person("jane@example.com", "Jane")


def _gone(runtime: Runtime, id: int) -> bool:
    with runtime.database.reading() as session:
        return session.get(Subscriber, id) is None


def _send_again(desk: Desk, page: TestResponse, password: str) -> TestResponse:
    """Fill in the password on the page that asks for it, and send all of its form."""
    action = html.unescape(re.findall(r'<form method="post" action="([^"]+)"', page.text)[-1])
    fields = {name: html.unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', page.text)}
    return desk.client.post(action, data={**fields, "password_again": password})


@pytest.mark.parametrize(
    "path",
    [
        "/owner/subscribers/{}/everything.json",
        "/owner/subscribers/{}/consent.json",
        "/owner/subscribers/export.csv",
    ],
)
def test_a_page_is_gone_on_to_when_the_password_is_right(desk: Desk, jane: int, clock: FixedClock, path: str) -> None:
    path = path.format(jane)
    assert desk.client.get(path).status_code == 200  # signed in just now
    clock.forward(LATER)
    asked = desk.client.get(path)
    assert (asked.status_code, asked.location) == (302, f"/owner/proof?next={path}")
    page = desk.client.get(asked.location)
    assert "Your password, please" in page.text
    wrong = _send_again(desk, page, "not the password")
    assert wrong.status_code == 422 and "not your present password" in wrong.text
    assert desk.client.get(path).status_code == 302
    right = _send_again(desk, page, PASSWORD)
    assert (right.status_code, right.location) == (303, path)
    assert desk.client.get(path).status_code == 200
    clock.forward(LATER)
    assert desk.client.get(path).status_code == 302


def test_a_form_keeps_what_was_typed_and_does_nothing_before(
    desk: Desk, jane: int, clock: FixedClock, runtime: Runtime
) -> None:
    desk.get("/owner/settings")
    clock.forward(LATER)
    path, odd = f"/owner/subscribers/{jane}/erase", 'a "b" <c>\r\nd & é'
    page = desk.post(path, sure="yes", why=odd)
    assert page.status_code == 403
    assert "What you typed is kept" in page.text
    assert html.unescape(re.findall(r'name="why" value="([^"]*)"', page.text)[0]) == odd
    assert _send_again(desk, page, "wrong one here").status_code == 422
    assert not _gone(runtime, jane)
    assert _send_again(desk, page, PASSWORD).status_code == 303
    assert _gone(runtime, jane)


def test_wrong_ones_have_to_wait_ever_longer_and_are_written_down(
    desk: Desk, jane: int, clock: FixedClock, runtime: Runtime
) -> None:
    clock.forward(LATER)
    page = desk.client.get("/owner/proof?next=/owner/subscribers")
    for _ in range(5):
        assert _send_again(desk, page, "wrong one here").status_code == 422
    waits = _send_again(desk, page, PASSWORD)
    assert (waits.status_code, waits.headers["Retry-After"]) == (429, "1")
    assert "wait 1 second" in readable(waits.text)
    assert desk.read("/owner/audit").count("password refused") == 6, "five entries, and one in the filter"
    clock.forward(timedelta(seconds=1))
    assert _send_again(desk, page, PASSWORD).location == "/owner/subscribers"


def test_it_leads_nowhere_else_and_is_no_door_for_strangers(desk: Desk, clock: FixedClock) -> None:
    clock.forward(LATER)
    page = desk.client.get("/owner/proof?next=https://evil.example/owner")
    assert _send_again(desk, page, PASSWORD).location == "/owner/"
    assert desk.client.get("/owner/proof?next=/owner/guides").location == "/owner/guides"
    desk.post("/owner/logout")
    assert desk.client.get("/owner/proof").location.startswith("/owner/login")
