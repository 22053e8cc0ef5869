"""Paula and Ed sign in with passkeys, alone and behind the password; whatever else is tried lets nobody in."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from newsletter.accounts import Owner
from newsletter.clock import FixedClock
from newsletter.runtime import Runtime
from newsletter.settings import load
from tests.accounts.device import Device
from tests.web.owner.conftest import EMAIL, readable, sign_in
from tests.web.owner.keyring import Inbox, Person, asked, audited, codes, ed, let_in, paula, send, token_of

__all__ = ["codes", "ed", "paula"]


@pytest.mark.usefixtures("codes")
def test_it_signs_in_by_itself_and_counts_as_both_factors(app: Flask, paula: Person, runtime: Runtime) -> None:
    client = app.test_client()
    assert "Sign in with a passkey" in client.get("/owner/login").text
    challenge = asked(client)
    assert challenge["allowCredentials"] == [], "nobody learns who has which"
    answer = send(client, paula.device.signed(challenge), onward="?next=/owner/forms")
    assert (answer.status_code, answer.location) == (303, "/owner/forms")
    assert client.get("/owner/").status_code == 200
    assert audited(runtime)[-1] == ("signed in", "passkey: Laptop")
    assert "never" not in paula.desk.read("/owner/passkeys")


@pytest.mark.usefixtures("codes")
def test_the_password_alone_is_not_enough_any_more(app: Flask, paula: Person) -> None:
    client = app.test_client()
    assert sign_in(client).location == "/owner/login/code"
    page = client.get("/owner/login/code").text
    assert "Use your passkey" in page and "Recovery code" in page and "app on your phone" not in page
    assert [one["type"] for one in asked(client, "password")["allowCredentials"]] == ["public-key"]
    assert client.get("/owner/").status_code == 302
    assert let_in(client, paula.device, "password") == "/owner/"


def test_a_recovery_code_lets_in_without_it(app: Flask, codes: list[str]) -> None:
    client = app.test_client()
    sign_in(client)
    form = {"csrf_token": token_of(client, "/owner/login/code"), "code": codes[0]}
    assert client.post("/owner/login/code", data=form).location == "/owner/"


def test_behind_a_password_only_that_account_s_key_counts(app: Flask, codes: list[str], ed: Person) -> None:
    client = app.test_client()
    sign_in(client)
    assert "belongs to another account" in let_in(client, ed.device, "password")
    assert client.get("/owner/").status_code == 302
    assert let_in(app.test_client(), ed.device) == "/owner/", "by itself it lets its own owner in"


@pytest.mark.usefixtures("codes")
def test_a_challenge_is_good_once_in_one_browser_and_for_five_minutes(
    app: Flask, paula: Person, clock: FixedClock, runtime: Runtime
) -> None:
    client, stranger = app.test_client(), app.test_client()
    answer = paula.device.signed(asked(client))
    assert "/login" in send(stranger, answer).location, "it was another browser's"
    kept = client.get_cookie("session")
    assert send(client, answer).location == "/owner/"
    assert kept is not None
    stranger.set_cookie("session", kept.value)  # the same cookie once more, as a thief would
    assert "sent twice" in readable(stranger.get(send(stranger, answer).location).text)
    late = app.test_client()
    answer = paula.device.signed(asked(late))
    clock.forward(timedelta(minutes=5, seconds=1))
    assert "longer than five minutes" in readable(late.get(send(late, answer).location).text)
    assert ("sign-in refused", "passkey challenge over") in audited(runtime)


@pytest.mark.usefixtures("codes")
@pytest.mark.parametrize("lie", [
    {"origin": "http://localhost:8001"}, {"origin": "https://evil.example"}, {"rp_id": "evil.example"},
    {"flags": 0x01}, {"key": Device().key}, {"handle": "AAAA"},
], ids=lambda lie: next(iter(lie)))  # fmt: skip
def test_what_is_signed_elsewhere_or_by_another_key_lets_nobody_in(app: Flask, paula: Person, lie: Any) -> None:
    client = app.test_client()
    assert "Nobody was let in" in let_in(client, replace(paula.device, **lie))
    assert client.get("/owner/").status_code == 302


@pytest.mark.usefixtures("codes")
def test_a_key_that_nobody_has_or_of_somebody_removed_lets_nobody_in(
    app: Flask, paula: Person, runtime: Runtime
) -> None:
    assert "lets nobody in here" in let_in(app.test_client(), Device())
    with runtime.database.transaction() as session:
        session.scalars(select(Owner)).one().removed_at = runtime.clock.now()
    assert "lets nobody in here" in let_in(app.test_client(), paula.device)


def test_a_counter_that_goes_back_lets_nobody_in_and_is_told(
    app: Flask, paula: Person, runtime: Runtime, inbox: Inbox
) -> None:
    paula.device.count = 7
    paula.add()
    paula.device.count = 8
    assert let_in(app.test_client(), paula.device) == "/owner/"
    for count in (8, 3, 0):
        assert "may have been copied" in let_in(app.test_client(), replace(paula.device, count=count))
    assert sum("may have been copied: Laptop" in one["Subject"] for one in inbox(EMAIL)) == 1
    assert ("sign-in refused", "passkey counter went back: Laptop") in audited(runtime)
    paula.device.count = 9
    assert let_in(app.test_client(), paula.device) == "/owner/"


@pytest.mark.parametrize(("public", "host", "said"), [
    ("http://127.0.0.1:8000", "127.0.0.1:8000", "Open it as http://localhost:8000/owner/passkeys"),
    ("http://127.0.0.1:8000", "localhost:8000", "Add a passkey"),
    ("http://192.0.2.7:8000", "192.0.2.7:8000", "the address of this site is a number"),
    ("http://news.example.org", "news.example.org", "only for a site with TLS"),
])  # fmt: skip
def test_where_none_can_be_made_the_page_says_what_to_do(
    public: str, host: str, said: str, app: Flask, owner: int, runtime: Runtime
) -> None:
    given = {"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40, "PUBLIC_URL": public}
    runtime.settings = load(given)
    client, env = app.test_client(), {"HTTP_HOST": host}
    sign_in(client, **env)
    page = client.get("/owner/passkeys", environ_overrides=env)
    assert said in readable(page.text), readable(page.text)
    assert client.get("/owner/login", environ_overrides=env).status_code in (200, 302)


def test_wrong_passkeys_make_whoever_tries_them_wait(app: Flask, owner: int) -> None:
    client = app.test_client()
    told = [let_in(client, Device()) for _ in range(12)]
    assert "lets nobody in here" in told[0] and "too many tries" in told[-1]


def test_how_often_a_client_may_ask_is_the_sign_in_s(limited: Flask, owner: int) -> None:
    client = limited.test_client()
    token = token_of(client)
    answers = [client.post("/owner/login/passkey/options", data={"csrf_token": token}).status_code for _ in range(11)]
    assert answers[0] == 200 and answers[-1] == 429
    assert client.post("/owner/login/passkey/options").status_code == 400, "no token of the page"
