"""Who gets in, and for how long."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from newsletter import web
from newsletter.accounts import Owner
from newsletter.runtime import Runtime
from newsletter.web.security import limiter
from newsletter.web.state import Crank
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk, readable, sign_in

VALUES = {"id": 1, "step_id": 1, "verb": "pause", "name": "confirm"}


def rules(app: Flask, method: str) -> list[str]:
    """Every address of the owner's area that answers to a method."""
    found: list[Rule] = [one for one in app.url_map.iter_rules() if one.endpoint.startswith("owner.")]
    addresses = []
    for rule in found:
        if method in (rule.methods or set()):
            values = {name: VALUES[name] for name in rule.arguments}
            if "any" in rule.rule and "verb" in values:
                values["verb"] = rule.rule.split("any(")[1].split(")")[0].split(",")[0].strip(" '")
            with app.test_request_context():
                addresses.append(app.url_map.bind("localhost").build(rule.endpoint, values, method=method))
    return addresses


def test_nobody_sees_anything_without_signing_in(app: Flask, owner: int) -> None:
    pages = [path for path in rules(app, "GET") if path != "/owner/login"]
    assert len(pages) > 20
    for path in pages:
        answer = app.test_client().get(path)
        assert answer.status_code == 302, path
        assert answer.location.startswith("/owner/login?next="), path


def test_every_post_without_its_token_is_refused(desk: Desk, app: Flask) -> None:
    addresses = rules(app, "POST")
    assert len(addresses) >= 20
    for path in addresses:
        answer = desk.client.post(path, data={"live": "no"})
        assert answer.status_code == 400, path
        assert "This form has expired" in answer.text


def test_signing_in_leads_on_to_the_page_that_was_asked_for(app: Flask, owner: int) -> None:
    client = app.test_client()
    asked = client.get("/owner/subscribers?q=jane").location
    answer = sign_in(client, path=asked)
    assert answer.location == "/owner/subscribers?q=jane"


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example", "https://evil.example/owner", "/\\evil.example", "/owner\\@evil", "evil", "/owner\r\n"],
)
def test_signing_in_never_leads_to_another_site(app: Flask, owner: int, elsewhere: str) -> None:
    client = app.test_client()
    client.get("/owner/login")
    with app.test_request_context():
        path = app.url_map.bind("localhost").build("owner.login", {"next": elsewhere})
    assert sign_in(client, path=path).location == "/owner/"


@pytest.mark.parametrize(("email", "password"), [(EMAIL, "wrong password"), ("nobody@example.org", PASSWORD)])
def test_a_wrong_address_and_a_wrong_password_are_told_alike(app: Flask, owner: int, email: str, password: str) -> None:
    answer = sign_in(app.test_client(), password, email)
    assert answer.status_code == 422
    assert "do not belong together" in answer.text
    assert PASSWORD not in answer.text


@pytest.fixture
def limited(runtime: Runtime, crank: Crank) -> Iterator[Flask]:
    """The application with its limits on, and nobody counted yet."""
    limiter.enabled = True
    yield web.create(runtime, crank)
    limiter.enabled = False


def test_the_eleventh_try_in_a_minute_is_refused(limited: Flask, owner: int) -> None:
    # An address of its own each time: a Redis that runs on this machine would remember the last run.
    client, address = limited.test_client(), f"2001:db8::{secrets.token_hex(2)}:{secrets.token_hex(2)}"
    codes = [sign_in(client, "wrong password", REMOTE_ADDR=address).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]


def test_a_new_password_ends_the_sessions_there_are(
    desk: Desk, change_owner: Callable[[Callable[[Owner], None]], None]
) -> None:
    assert desk.client.get("/owner/").status_code == 200
    change_owner(lambda owner: owner.set_password("another long password"))
    assert desk.client.get("/owner/").status_code == 302


def test_signing_out_ends_the_session(desk: Desk) -> None:
    assert "Sign in" in desk.told("/owner/logout")
    assert desk.client.get("/owner/").status_code == 302


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app: Flask, owner: int) -> None:
    cookie = sign_in(app.test_client()).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_forms_work_over_https_though_no_page_sends_a_referrer(app: Flask, owner: int) -> None:
    client = app.test_client()
    assert sign_in(client, **{"wsgi.url_scheme": "https"}).status_code == 303


@pytest.mark.parametrize("id", ["0", "9223372036854775808", "9" * 40, "-1", "x"])
def test_a_number_that_no_row_has_is_a_page_that_does_not_exist(desk: Desk, id: str) -> None:
    answer = desk.client.get(f"/owner/subscribers/{id}")
    assert answer.status_code == 404
    assert "Go to the dashboard" in answer.text


def test_the_page_says_what_to_do_while_nobody_can_sign_in(app: Flask) -> None:
    assert "newsletter owner create" in readable(app.test_client().get("/owner/login").text)


def test_pages_are_kept_by_no_cache_that_others_share(desk: Desk) -> None:
    assert desk.client.get("/owner/subscribers").headers["Cache-Control"] == "private, no-cache"


def test_scripts_carry_the_nonce_and_nothing_is_inline(desk: Desk) -> None:
    answer = desk.client.get("/owner/")
    policy = answer.headers["Content-Security-Policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert answer.text.count("<script") == answer.text.count(f'nonce="{nonce}"') == 1
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text


@pytest.mark.parametrize("typed", ["a\0b", "a\x1b[2Jb", "\ud7ff\ufffe\U0010ffff"])
def test_characters_that_no_database_keeps_break_nothing(desk: Desk, typed: str) -> None:
    assert desk.client.get("/owner/subscribers", query_string={"q": typed, "status": typed}).status_code == 200
    assert desk.client.get("/owner/messages", query_string={"state": typed, "after": typed}).status_code == 200
    form = {"title": typed, "subject": typed, "preheader": typed, "body": typed, "topic": ""}
    assert desk.post("/owner/articles/new", **form).status_code == 200
    assert desk.post("/owner/subscribers/1/series", stop=typed, add=typed).status_code == 404
