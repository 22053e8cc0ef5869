"""Headers, cookies, and how often a client may knock."""

import re
import time
from ipaddress import IPv6Address
from uuid import uuid4

import pytest
from flask import Flask, session
from itsdangerous import TimestampSigner
from redis import Redis
from wtforms import PasswordField

from newsletter import web
from newsletter.clock import SystemClock
from newsletter.runtime import Runtime, build
from newsletter.settings import load
from newsletter.web.forms import PASSWORDS
from newsletter.web.owner import forms as owner_forms
from newsletter.web.owner import proof
from newsletter.web.typed_form import TypedForm
from tests.conftest import InlineTrigger
from tests.web.conftest import FIFTY, Visitor, forms

pytestmark = pytest.mark.sqlite_only

PATHS = ["/", f"/guides/{FIFTY}", "/privacy", "/nowhere", "/feed.xml", "/static/css/site.css", "/owner/", "/healthz"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_says_what_a_browser_may_do_with_it(path: str, visitor: Visitor) -> None:
    headers = visitor.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "base-uri 'none'" in policy
    assert "unsafe-inline" not in policy and "unsafe-eval" not in policy and "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin"), "a personal link does not travel on"
    assert headers["X-Frame-Options"] == "DENY"


def test_scripts_carry_a_nonce_that_is_never_the_same(visitor: Visitor) -> None:
    nonces = []
    for _ in range(2):
        page = visitor.get("/")
        (allowed,) = re.findall(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"])
        assert set(re.findall(r'<script nonce="([^"]+)"', page.text)) == {allowed}
        assert page.text.count("<script") == page.text.count("<script nonce=")
        nonces.append(allowed)
    assert nonces[0] != nonces[1]


@pytest.mark.parametrize("path", ["/", f"/guides/{FIFTY}", "/privacy", "/archive", "/check-your-inbox"])
def test_no_page_has_inline_script_or_style_or_asks_anybody_else(path: str, visitor: Visitor) -> None:
    page = visitor.get(path).text
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", page)
    asked_for = page.replace('<link rel="canonical" href="http://localhost:8000/', "")  # an address, not a request
    for address in re.findall(r'(?:src|action)="([^"]+)"|<link[^>]+href="([^"]+)"', asked_for):
        assert "".join(address).startswith(("/", "data:image/svg+xml"))


def _public(runtime: Runtime) -> Flask:
    """The application on a public host, behind a proxy."""
    settings = load({"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40,
                     "PUBLIC_URL": "https://news.example.org"})  # fmt: skip
    rt = build(settings, database=runtime.database, clock=runtime.clock, transport=runtime.transport)
    return web.create(rt, InlineTrigger(rt))


def test_on_a_public_site_cookies_are_for_https_alone_and_the_clock_cannot_be_moved(runtime: Runtime) -> None:
    app = _public(runtime)
    assert (app.config["SESSION_COOKIE_SECURE"], app.config["SESSION_COOKIE_HTTPONLY"]) == (True, True)
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"
    answer = app.test_client().get("/", headers={"Host": "news.example.org", "X-Forwarded-For": "192.0.2.9"})
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    assert isinstance(build(load({"PUBLIC_URL": "https://news.example.org"})).clock, SystemClock)


@pytest.fixture
def held(limited: Flask) -> Visitor:
    """A visitor of an application whose limits are on."""
    return Visitor(limited.test_client())


@pytest.fixture
def ip() -> str:
    """An address that has not knocked yet: limits remember for longer than a test lasts."""
    return str(IPv6Address(uuid4().int))


def _knock(visitor: Visitor, times: int, ip: str) -> list[int]:
    form, here = forms(visitor.get("/"))[0], {"REMOTE_ADDR": ip}

    def knock(email: str) -> int:
        typed = {**form.fields, "email": email, "proof": visitor.proof(form.challenge, environ_base=here)}
        return visitor.browser.post(form.action, data=typed, environ_base=here).status_code

    return [knock(f"p{n}@example.com") for n in range(times)]


def test_one_client_may_sign_up_ten_times_a_minute(held: Visitor, ip: str) -> None:
    assert _knock(held, 12, ip) == [303] * 10 + [429] * 2
    assert _knock(held, 1, str(IPv6Address(uuid4().int))) == [303]


def test_who_is_limited_is_told_when_and_keeps_what_was_typed(held: Visitor, ip: str) -> None:
    _knock(held, 10, ip)
    form = forms(held.get("/"))[0]
    typed = {**form.fields, "email": "jane@example.com", "first_name": '"><script>'}
    told = held.browser.post(form.action, data=typed, environ_base={"REMOTE_ADDR": ip})
    assert told.status_code == 429
    assert 0 < int(told.headers["Retry-After"]) <= 61  # rounded up
    assert f"in {told.headers['Retry-After']} seconds" in told.text and "Nothing you sent before is lost" in told.text
    again = forms(told)[0]
    assert (again.action, again.fields) == (form.action, typed)
    assert "<script>" not in told.text.partition("<main")[2]
    elsewhere = {"REMOTE_ADDR": str(IPv6Address(uuid4().int))}
    typed["proof"] = held.proof(form.challenge, environ_base=elsewhere)
    assert held.browser.post(again.action, data=typed, environ_base=elsewhere).status_code == 303


def test_a_password_is_not_kept_but_asked_for_again(held: Visitor, ip: str) -> None:
    form = forms(held.get("/owner/login"))[0]
    typed = {**form.fields, "email": "paula@example.org", "password": "hunter2 hunter2"}
    for _ in range(11):
        told = held.browser.post("/owner/login?next=/owner/", data=typed, environ_base={"REMOTE_ADDR": ip})
    assert told.status_code == 429
    assert "hunter2" not in told.text and 'type="password"' in told.text
    again = forms(told)[0]
    assert (again.action, again.fields["email"]) == ("/owner/login?next=/owner/", "paula@example.org")


def test_new_passwords_are_not_kept_either(held: Visitor, ip: str) -> None:
    form = forms(held.get("/owner/login"))[0]
    typed = {"csrf_token": form.fields["csrf_token"], "new": "hunter2 hunter2", "new_again": "hunter2 hunter2"}
    for _ in range(11):
        told = held.browser.post("/owner/reset/x", data=typed, environ_base={"REMOTE_ADDR": ip})
    assert told.status_code == 429
    assert "hunter2" not in told.text and told.text.count('type="password"') == 2


def test_every_field_for_a_password_is_known_as_one() -> None:
    kinds = [one for one in vars(owner_forms).values() if isinstance(one, type) and issubclass(one, TypedForm)]
    names = {
        name
        for kind in kinds
        for name in dir(kind)
        if getattr(getattr(kind, name), "field_class", None) is PasswordField
    }
    assert {*names, proof.FIELD} == PASSWORDS.keys()


def test_one_household_is_one_client_however_many_addresses_it_has(held: Visitor) -> None:
    block = uuid4().int >> 64 << 64
    assert [_knock(held, 1, str(IPv6Address(block + n)))[0] for n in range(11)] == [303] * 10 + [429]


def test_looking_is_not_limited(held: Visitor) -> None:
    assert {held.get("/privacy").status_code for _ in range(30)} == {200}


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/redis"])
def test_no_page_waits_long_for_a_redis_that_hangs(url: str, runtime: Runtime) -> None:
    runtime.settings = load({"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40, "REDIS_URL": url})
    waits = web.create(runtime, InlineTrigger(runtime)).config["RATELIMIT_STORAGE_OPTIONS"]
    assert waits["socket_connect_timeout"] <= 0.5 and waits["socket_timeout"] <= 0.5
    Redis.from_url(url, **waits)  # which both kinds of connection understand


def test_a_cookie_counts_whatever_the_clock_of_the_host_that_signed_it(app: Flask) -> None:
    class Ahead(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(time.time()) + 420

    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    serializer.signer = Ahead
    cookie = f"{app.config['SESSION_COOKIE_NAME']}={serializer.dumps({'kept': 'yes'})}"
    with app.test_request_context(headers={"Cookie": cookie}):
        assert session.get("kept") == "yes"
    forged = cookie[:-9] + ("A" if cookie[-9] != "A" else "B") + cookie[-8:]
    with app.test_request_context(headers={"Cookie": forged}):
        assert "kept" not in session
