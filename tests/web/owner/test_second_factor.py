"""Paula switches the second factor on, signs in with it, loses her phone, and switches it off."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from newsletter.clock import FixedClock
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk, readable, sign_in

Inbox = Callable[[str], list[EmailMessage]]


class Phone:
    """Paula's phone, with the secret that she typed."""

    def __init__(self, secret: str, clock: FixedClock) -> None:
        self.secret, self.clock = secret, clock

    @property
    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(self.clock.now())


def hidden(page: str) -> str:
    found = re.search(r'name="secret" value="([^"]+)"', page)
    assert found is not None
    return html.unescape(found[1])


@pytest.fixture
def phone(desk: Desk, clock: FixedClock) -> Phone:
    """Switched on; the code of that half minute has gone by."""
    page = desk.get("/owner/second-factor")
    made = Phone(re.findall(r"<code>([A-Z2-7]{32})</code>", page)[0], clock)
    answer = desk.post("/owner/second-factor/on", secret=hidden(page), code=made.code)
    assert answer.status_code == 200 and "Your recovery codes" in answer.text
    made.recovery = re.findall(r"<li><code>([a-z0-9-]{11})</code>", answer.text)  # type: ignore[attr-defined]
    clock.forward(timedelta(minutes=1))
    return made


def typed(client: FlaskClient, code: str) -> str:
    page = client.get("/owner/login/code")
    if page.status_code != 200:
        return f"{page.status_code} {page.location}"
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    answer = client.post("/owner/login/code", data={"csrf_token": found[1], "code": code})
    return f"{answer.status_code} {answer.location or readable(answer.text)}"


def test_the_page_shows_a_picture_and_keeps_nothing(desk: Desk) -> None:
    answer = desk.client.get("/owner/second-factor")
    assert "<svg" in answer.text and answer.headers["Cache-Control"] == "private, no-store"
    assert "Off: your password alone" in desk.read("/owner/settings")


def test_a_wrong_code_switches_nothing_on_and_keeps_the_secret(desk: Desk) -> None:
    page = desk.get("/owner/second-factor")
    answer = desk.post("/owner/second-factor/on", secret=hidden(page), code="000 000")
    assert answer.status_code == 422 and "does not belong to this secret" in answer.text
    assert re.findall(r"<code>([A-Z2-7]{32})</code>", answer.text) == re.findall(r"<code>([A-Z2-7]{32})</code>", page)
    for odd in ("", "x" * 10_000, "gAAAA", "\0"):
        assert desk.post("/owner/second-factor/on", secret=odd, code=odd).status_code == 422


def test_behind_the_password_the_code_is_asked_for(app: Flask, phone: Phone, desk: Desk) -> None:
    stranger = app.test_client()
    answer = sign_in(stranger)
    assert (answer.status_code, answer.location) == (303, "/owner/login/code")
    assert stranger.get("/owner/").status_code == 302, "half signed in is not signed in"
    assert "That code is not right" in typed(stranger, "123456" if phone.code != "123456" else "654321")
    assert typed(stranger, phone.code) == "303 /owner/"
    assert stranger.get("/owner/").status_code == 200
    other = app.test_client()
    sign_in(other)
    assert "used already" in typed(other, phone.code), "a code is good once"


def test_where_they_wanted_to_go_is_kept(app: Flask, phone: Phone) -> None:
    client = app.test_client()
    assert sign_in(client, path="/owner/login?next=/owner/forms").location == "/owner/login/code?next=/owner/forms"
    page = client.get("/owner/login/code?next=/owner/forms").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    answer = client.post("/owner/login/code?next=/owner/forms", data={"csrf_token": token[1], "code": phone.code})
    assert answer.location == "/owner/forms"


def test_without_the_password_there_is_no_page_for_a_code(app: Flask, phone: Phone, clock: FixedClock) -> None:
    assert typed(app.test_client(), phone.code) == "302 /owner/login"
    late = app.test_client()
    sign_in(late)
    clock.forward(timedelta(minutes=6))
    assert typed(late, phone.code) == "302 /owner/login"


def test_half_a_sign_in_ends_with_the_password(app: Flask, phone: Phone, desk: Desk) -> None:
    half = app.test_client()
    sign_in(half)
    new = "seven purple kettles sing"
    desk.post("/owner/settings/password", old=PASSWORD, new=new, new_again=new)
    assert typed(half, phone.code).endswith("/owner/login")


def test_wrong_codes_make_whoever_types_them_wait(app: Flask, phone: Phone, clock: FixedClock) -> None:
    client = app.test_client()
    sign_in(client)
    answers = [typed(client, "not a code") for _ in range(8)]
    assert "too many wrong codes" in answers[-1] and answers[-1].startswith("429")
    assert "too many" in typed(client, phone.code)
    clock.forward(timedelta(minutes=1))
    assert typed(client, phone.code) == "303 /owner/"


def test_a_recovery_code_lets_in_without_the_phone(app: Flask, phone: Phone, desk: Desk) -> None:
    client = app.test_client()
    sign_in(client)
    assert typed(client, phone.recovery[0]) == "303 /owner/"  # type: ignore[attr-defined]
    assert "9 recovery codes are left" in desk.read("/owner/second-factor")
    assert "Your recovery codes" in desk.told("/owner/second-factor/codes")
    again = app.test_client()
    sign_in(again)
    assert "not right" in typed(again, phone.recovery[1])  # type: ignore[attr-defined]


def test_switching_it_on_signs_every_other_browser_out_and_tells_by_mail(
    app: Flask, desk: Desk, clock: FixedClock, inbox: Inbox, request: pytest.FixtureRequest
) -> None:
    other = app.test_client()
    sign_in(other)
    assert other.get("/owner/").status_code == 200
    request.getfixturevalue("phone")
    assert other.get("/owner/").status_code == 302
    assert desk.get("/owner/")
    assert "second factor was switched on" in str(inbox(EMAIL)[-1]["Subject"]).lower()


def test_switched_off_the_password_is_enough(app: Flask, phone: Phone, desk: Desk, inbox: Inbox) -> None:
    assert "the password alone lets you in" in desk.told("/owner/second-factor/off")
    assert "It was off already" in desk.told("/owner/second-factor/off")
    assert "Switch the second factor on first" in desk.told("/owner/second-factor/codes")
    assert sign_in(app.test_client()).location == "/owner/"
    assert "switched off" in str(inbox(EMAIL)[-1]["Subject"])


@pytest.mark.parametrize("path", ["/owner/second-factor", "/owner/second-factor/off", "/owner/second-factor/codes"])
def test_the_password_is_asked_for_again(path: str, desk: Desk, phone: Phone, clock: FixedClock) -> None:
    clock.forward(timedelta(minutes=11))
    answer = desk.client.get(path) if path.endswith("factor") else desk.post(path)
    assert answer.status_code in (302, 403)
    clock.forward(-timedelta(minutes=11))
    assert "It is on" in desk.read("/owner/second-factor")
