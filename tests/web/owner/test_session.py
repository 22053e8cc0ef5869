"""Who gets in, and for how long."""

import re
import secrets
from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from newsletter import web
from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.web.state import DeliveryTrigger
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk, readable, sign_in

ANY_OF = re.compile(r"<any\(([^)]*)\):(\w+)>")
VALUES = {
    "service": "ses",
    "id": 1,
    "step_id": 1,
    "name": "confirm",
    "token": "x",
    "which": "failed",
    "number": 1,
    "page": 1,
}
OPEN = (
    "/owner/login", "/owner/login/code", "/owner/forgot", "/owner/reset/x", "/owner/invitation/x", "/owner/address/x",
    "/owner/address/not-me/x",
)  # fmt: skip


def rules(app: Flask, method: str) -> list[str]:
    """Every address of the owner's area that answers to a method."""
    found: list[Rule] = [one for one in app.url_map.iter_rules() if one.endpoint.startswith("owner.")]
    addresses = []
    for rule in found:
        if method in (rule.methods or set()):
            values = VALUES | {name: words.split(",")[0].strip(" '") for words, name in ANY_OF.findall(rule.rule)}
            values = {name: values[name] for name in rule.arguments}
            with app.test_request_context():
                addresses.append(app.url_map.bind("localhost").build(rule.endpoint, values, method=method))
    return addresses


def test_nobody_sees_anything_without_signing_in(app: Flask, owner: int) -> None:
    pages = [path for path in rules(app, "GET") if path not in OPEN]
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


def test_the_eleventh_try_in_a_minute_is_refused(limited: Flask, owner: int) -> None:
    # A network of its own each time: the limits remember the test before.
    client, address = limited.test_client(), f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"
    tries = [(f"nobody{number}@example.org", address) for number in range(11)]
    codes = [sign_in(client, "wrong password", email, REMOTE_ADDR=ip).status_code for email, ip in tries]
    assert codes == [422] * 10 + [429]


def test_guessing_at_an_account_from_many_clients_has_to_wait_ever_longer(
    app: Flask, owner: int, clock: FixedClock
) -> None:
    def guess(number: int, password: str = "wrong password", email: str = EMAIL) -> TestResponse:
        return sign_in(app.test_client(), password, email, REMOTE_ADDR=f"192.0.2.{number}")

    assert [guess(number).status_code for number in range(5)] == [422] * 5
    waits = guess(6, PASSWORD)
    assert (waits.status_code, waits.headers["Retry-After"]) == (429, "1")
    assert "Please wait 1 second" in waits.text
    assert f'value="{EMAIL}"' in waits.text
    for number in range(7, 27):
        clock.forward(timedelta(minutes=1))
        assert guess(number).status_code == 422
    assert guess(8, PASSWORD).headers["Retry-After"] == "60"
    assert guess(9, email="somebody@example.org").status_code == 422
    clock.forward(timedelta(minutes=1))
    assert guess(10, PASSWORD).status_code == 303


def test_guessing_at_many_accounts_from_one_household_has_to_wait(app: Flask, owner: int) -> None:
    block = secrets.token_hex(2)
    tries = [(f"nobody{number}@example.org", f"2001:db8:0:{block}::{number:x}") for number in range(1, 12)]
    codes = [sign_in(app.test_client(), "wrong password", email, REMOTE_ADDR=ip).status_code for email, ip in tries]
    assert codes == [422] * 10 + [429]


def test_strangers_do_not_keep_the_owner_out_of_their_own_browser(desk: Desk, app: Flask) -> None:
    desk.post("/owner/logout")
    for number in range(12):  # at this account and others, from the same network: a proxy may make all clients one
        sign_in(app.test_client(), email=f"nobody{number}@example.org")
        sign_in(app.test_client(), f"wrong password {number}")
    assert sign_in(app.test_client()).status_code == 429
    assert sign_in(desk.client, "wrong password", "nobody@example.org").status_code == 429  # known for one account only
    assert sign_in(desk.client).status_code == 303


def test_a_known_browser_has_to_wait_too_when_it_guesses(desk: Desk) -> None:
    desk.post("/owner/logout")
    codes = [sign_in(desk.client, "wrong password").status_code for _ in range(7)]
    assert codes == [422] * 5 + [429] * 2


def test_signing_out_ends_the_session_and_clears_the_browser(desk: Desk) -> None:
    stolen = desk.client.get_cookie("session")
    assert stolen is not None
    answer = desk.post("/owner/logout", follow=False)
    assert answer.location == "/owner/login"
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert desk.client.get("/owner/").status_code == 302
    desk.client.set_cookie("session", stolen.value)  # a copy of the cookie is worth nothing any more
    assert desk.client.get("/owner/").status_code == 302


@pytest.mark.parametrize(
    ("steps", "code"),
    [([12 * 60], 200), ([12 * 60 + 1], 302), ([11 * 60] * 30, 200), ([11 * 60] * 31, 302)],
    ids=["idle", "too idle", "used", "too old"],
)
def test_a_session_ends_after_twelve_hours_alone_and_after_a_fortnight(
    desk: Desk, clock: FixedClock, steps: list[int], code: int
) -> None:
    codes = []
    for minutes in steps:
        clock.forward(timedelta(minutes=minutes))
        codes.append(desk.client.get("/owner/").status_code)
    assert codes == [200] * (len(steps) - 1) + [code]


def test_a_page_that_looks_by_itself_does_not_keep_a_session_alive(desk: Desk, clock: FixedClock) -> None:
    for _ in range(25):
        clock.forward(timedelta(minutes=30))
        answer = desk.client.get("/owner/campaigns/1/progress.json")
    assert answer.status_code == 302


def test_a_full_disk_keeps_nobody_out(desk: Desk, clock: FixedClock, runtime: Runtime) -> None:
    clock.forward(timedelta(minutes=5))
    if runtime.database.is_sqlite:
        with runtime.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
    else:
        pytest.skip("SQLite says it so; on PostgreSQL a read-only role is refused by another error")
    assert desk.client.get("/owner/").status_code == 200


def test_under_https_no_other_host_can_set_the_cookies(runtime: Runtime, trigger: DeliveryTrigger, owner: int) -> None:
    environ = {"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40}
    runtime.settings = load({**environ, "PUBLIC_URL": "https://news.example.org"})
    client = web.create(runtime, trigger).test_client()
    there = {"wsgi.url_scheme": "https", "HTTP_HOST": "news.example.org"}
    cookies = sign_in(client, **there).headers.getlist("Set-Cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {"__Host-session", "__Host-known"}
    for cookie in cookies:
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
        assert "Domain" not in cookie


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
