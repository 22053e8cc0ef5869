"""Where the owner is signed in."""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from newsletter.accounts import OwnerSession
from newsletter.runtime import Runtime
from newsletter.web.owner.sessions import browser_named
from tests.web.owner.conftest import Desk, readable, sign_in

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "
    "Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("user_agent", "named"),
    [
        (PHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/131.0 Safari/537.36",
            "Chrome on Android",
        ),
        ("Werkzeug/3.1.3", "Werkzeug"),
        ("<script>alert(1)</script>", "A browser without a name"),
        ("", "A browser without a name"),
    ],
)
def test_a_browser_is_named_in_two_words(user_agent: str, named: str) -> None:
    assert browser_named(user_agent) == named


def test_a_session_is_ended_from_another_browser(desk: Desk, app: Flask, runtime: Runtime) -> None:
    phone = app.test_client()
    assert sign_in(phone, HTTP_USER_AGENT=PHONE).status_code == 303
    page = desk.get("/owner/settings")
    assert "Safari on iPhone" in page
    with runtime.database.reading() as session:
        ids = session.scalars(select(OwnerSession.id).order_by(OwnerSession.id)).all()
    assert len(ids) == 2
    assert "That browser is signed out" in desk.told(f"/owner/sessions/{ids[1]}/end")
    assert phone.get("/owner/", environ_overrides={"HTTP_USER_AGENT": PHONE}).status_code == 302
    assert desk.client.get("/owner/").status_code == 200
    assert "had ended already" in desk.told(f"/owner/sessions/{ids[1]}/end")
    assert "session ended" in desk.read("/owner/audit")


def test_ending_ones_own_is_signing_out(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        id = session.scalars(select(OwnerSession.id)).one()
    answer = desk.post(f"/owner/sessions/{id}/end", follow=False)
    assert answer.location == "/owner/login"
    assert "Clear-Site-Data" in answer.headers
    assert desk.client.get("/owner/").status_code == 302


def test_all_others_are_ended_at_once(desk: Desk, app: Flask) -> None:
    assert "nowhere else" in desk.told("/owner/sessions/end-others")
    others = [app.test_client() for _ in range(3)]
    for other in others:
        sign_in(other)
    assert "End all others" in desk.get("/owner/settings")
    assert "Every other browser is signed out" in desk.told("/owner/sessions/end-others")
    assert [other.get("/owner/").status_code for other in others] == [302] * 3
    page = desk.get("/owner/settings")
    assert "End all others" not in page
    assert len(re.findall(r"this one", readable(page))) == 1
