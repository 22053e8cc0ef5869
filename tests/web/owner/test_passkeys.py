"""Paula and Ed add passkeys, sign in with them, use them behind the password, and lose them; and what others try."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from newsletter import accounts, credentials
from newsletter.accounts import AuditEntry, Owner, Passkey, Role
from newsletter.accounts.passkey import MOST, PasskeyChallenge
from newsletter.accounts.second_factor import RecoveryCode
from newsletter.clock import FixedClock
from newsletter.credentials import Way
from newsletter.runtime import Runtime
from newsletter.settings import load
from tests.accounts.device import Device
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk, readable, sign_in

Inbox = Callable[[str], list[EmailMessage]]
HOST = {"HTTP_HOST": "localhost:8000"}


@dataclass
class Person:
    """Somebody of the team, their browser, and their device."""

    desk: Desk
    device: Device

    def asked(self) -> Any:
        """What their browser is to make."""
        return json.loads(self.desk.post("/owner/passkeys/options").text)

    def add(self, name: str = "Laptop", answer: str | None = None) -> str:
        """A passkey more; the page that follows."""
        given = self.device.made(self.asked()) if answer is None else answer
        return self.desk.told("/owner/passkeys/add", name=name, credential=given)


@pytest.fixture
def paula(desk: Desk) -> Person:
    return Person(desk, Device())


@pytest.fixture
def codes(paula: Person) -> list[str]:
    """Her recovery codes; her laptop has a passkey."""
    return re.findall(r"\b[a-z2-9]{5}-[a-z2-9]{5}\b", paula.add())


@pytest.fixture
def ed(app: Flask, runtime: Runtime) -> Person:
    """A viewer, with a passkey."""
    with runtime.database.transaction() as session:
        accounts.create(session, "ed@example.org", PASSWORD, runtime.clock.now(), role=Role.VIEWER)
    client = app.test_client()
    sign_in(client, email="ed@example.org")
    made = Person(Desk(client), Device())
    assert "recovery codes" in made.add()
    return made


def token_of(client: FlaskClient, page: str = "/owner/login") -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found is not None
    return found[1]


def asked(client: FlaskClient, behind: str = "") -> Any:
    page = "/owner/login/code" if behind else "/owner/login"
    form = {"csrf_token": token_of(client, page), "behind": behind}
    return json.loads(client.post("/owner/login/passkey/options", data=form).text)


def send(client: FlaskClient, answer: str, behind: str = "", onward: str = "") -> TestResponse:
    page = "/owner/login/code" if behind else "/owner/login"
    form = {"csrf_token": token_of(client, page), "credential": answer, "behind": behind}
    return client.post("/owner/login/passkey" + onward, data=form)


def let_in(client: FlaskClient, device: Device, behind: str = "") -> str:
    """Sign in with a passkey: where that leads, or what the page says."""
    answer = send(client, device.signed(asked(client, behind)), behind)
    page = client.get(answer.location)
    return str(answer.location) if page.status_code == 200 and "/login" not in answer.location else readable(page.text)


def audited(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.database.reading() as session:
        rows = session.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.id))
        return [(row[0], row[1]) for row in rows]


def test_the_first_passkey_brings_recovery_codes_a_mail_and_signs_others_out(
    app: Flask, paula: Person, inbox: Inbox, runtime: Runtime
) -> None:
    other = app.test_client()
    sign_in(other)
    told = paula.add("Laptop <b>blue</b>")
    assert "Your recovery codes" in told and len(re.findall(r"\b[a-z2-9]{5}-[a-z2-9]{5}\b", told)) == 10
    assert other.get("/owner/").status_code == 302
    assert inbox(EMAIL)[-1]["Subject"].endswith("A passkey was added: Laptop <b>blue</b>")
    assert ("second factor", "passkey added: Laptop <b>blue</b>") in audited(runtime)
    page = paula.desk.read("/owner/passkeys")
    assert "Laptop <b>blue</b>" in page and "never" in page and "password alone does not" not in page
    assert "behind your password we ask for a passkey" in paula.desk.read("/owner/settings")
    assert "You have 1 passkey" in paula.desk.read("/owner/second-factor")
    assert "on" in paula.desk.read("/owner/team")


def test_a_second_one_keeps_the_codes_and_the_sessions(app: Flask, paula: Person, codes: list[str]) -> None:
    other = app.test_client()
    assert let_in(other, paula.device) == "/owner/"
    paula.device = Device()
    assert "Added: Phone" in paula.add("Phone")
    assert other.get("/owner/").status_code == 200
    assert [one["type"] for one in paula.asked()["excludeCredentials"]] == ["public-key"] * 2
    assert "10 recovery codes are left" in paula.desk.read("/owner/second-factor")


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


@pytest.mark.parametrize("odd", ["", "x" * 10_000, "{}", "[" * 15_000, "null", "\0", '{"id": "' + "A" * 10_000 + '"}'])
def test_nonsense_lets_nobody_in_and_adds_nothing(odd: str, app: Flask, paula: Person, runtime: Runtime) -> None:
    client = app.test_client()
    asked(client)
    assert send(client, odd).status_code == 303 and client.get("/owner/").status_code == 302
    paula.asked()
    assert paula.desk.post("/owner/passkeys/add", name="x", credential=odd).status_code == 200
    with runtime.database.reading() as session:
        assert session.scalars(select(Passkey)).all() == []


def test_a_name_that_is_too_long_or_empty_loses_nothing(paula: Person) -> None:
    made = paula.device.made(paula.asked())
    answer = paula.desk.post("/owner/passkeys/add", name="n" * 10_000, credential=made)
    assert answer.status_code == 422 and "at most 80 characters" in answer.text and "n" * 10_000 in answer.text
    assert "give it a name" in readable(paula.desk.post("/owner/passkeys/add", name=" ", credential=made).text)
    assert made.replace('"', "&#34;") in answer.text
    assert "Your recovery codes" in paula.add("Laptop", made)


def test_without_a_script_the_pages_say_what_is_missing(client: FlaskClient, paula: Person) -> None:
    page = paula.desk.read("/owner/passkeys")
    told = paula.desk.told("/owner/passkeys/add", name="Laptop", credential="")
    assert all("needs a browser that runs JavaScript" in words for words in (page, told))
    assert "passkey" not in client.get("/owner/login").text, "nobody has one yet"
    paula.add()
    assert "Your password works without" in readable(client.get("/owner/login").text)


def test_what_was_made_for_another_session_challenge_or_twice_is_refused(paula: Person, ed: Person) -> None:
    made = paula.device.made(paula.asked())
    assert "Nothing was added" in ed.desk.told("/owner/passkeys/add", name="x", credential=made)
    paula.asked()
    assert "no passkey for this site" in paula.add("x", made)
    assert "Your recovery codes" in paula.add()
    assert "sent twice" in paula.add("x", made)


@pytest.mark.usefixtures("codes")
def test_a_key_is_nobody_else_s_too(paula: Person, ed: Person) -> None:
    ed.device.id = paula.device.id
    assert "known here already" in ed.add("stolen")


@pytest.mark.usefixtures("codes")
def test_there_is_an_end_to_them(paula: Person, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        owner = session.scalars(select(Owner)).one()
        for number in range(MOST - 1):
            owner.passkeys.append(Passkey(credential_id=f"{number:04}", public_key="", rp_id="old.example",
                                          name="n", created_at=runtime.clock.now()))  # fmt: skip
    page = paula.desk.read("/owner/passkeys")
    assert "remove one first" in page and "for old.example: lets nobody in here" in page
    paula.device = Device()
    assert "remove one first" in paula.add()


def test_removing_the_last_one_is_told_and_the_password_is_enough(
    app: Flask, paula: Person, codes: list[str], inbox: Inbox, runtime: Runtime, clock: FixedClock
) -> None:
    other = app.test_client()
    clock.forward(timedelta(seconds=1))
    let_in(other, paula.device)
    told = paula.desk.told("/owner/passkeys/1/remove")
    assert "Removed: Laptop" in told and "last second factor" in told
    assert other.get("/owner/").status_code == 302 and paula.desk.get("/owner/")
    (mail,) = [one for one in inbox(EMAIL) if one["Subject"].endswith("A passkey was removed: Laptop")]
    body = mail.get_body(("plain",))
    assert body is not None and "password alone lets you in now" in body.get_content()
    assert sign_in(app.test_client()).location == "/owner/"
    assert "lets nobody in here" in let_in(app.test_client(), paula.device)
    assert "not there any more" in paula.desk.told("/owner/passkeys/1/remove")
    assert ("second factor", "passkey removed: Laptop") in audited(runtime)


def test_each_factor_goes_by_itself_and_the_command_takes_all(
    app: Flask, paula: Person, codes: list[str], runtime: Runtime, clock: FixedClock
) -> None:
    page = paula.desk.get("/owner/second-factor")
    secret, kept = (
        re.findall(r"<code>([A-Z2-7]{32})</code>", page)[0],
        re.findall(r'name="secret" value="([^"]+)"', page),
    )
    paula.desk.post("/owner/second-factor/on", secret=kept[0], code=pyotp.TOTP(secret).at(clock.now()))
    assert "a code of your app, or a passkey" in paula.desk.read("/owner/settings")
    clock.forward(timedelta(seconds=1))
    assert "we ask for your passkey" in paula.desk.told("/owner/second-factor/off")
    assert "10 recovery codes are left" in paula.desk.read("/owner/second-factor")
    with runtime.database.transaction() as session:
        owner = session.scalars(select(Owner)).one()
        credentials.ask_for_password_alone(session, owner, clock.now() + timedelta(seconds=1), way=Way.COMMAND)
        assert session.scalars(select(Passkey)).all() == session.scalars(select(RecoveryCode)).all() == []
    assert sign_in(app.test_client()).location == "/owner/"


def test_nobody_removes_another_s(paula: Person, codes: list[str], ed: Person) -> None:
    assert "not there any more" in ed.desk.told("/owner/passkeys/1/remove")
    assert "Laptop" in paula.desk.read("/owner/passkeys")


@pytest.mark.parametrize("path", ["", "/options", "/add", "/1/remove"])
def test_the_password_is_asked_for_again(path: str, paula: Person, codes: list[str], clock: FixedClock) -> None:
    clock.forward(timedelta(minutes=11))
    address = f"/owner/passkeys{path}"
    answer = paula.desk.post(address) if path else paula.desk.client.get(address, follow_redirects=True)
    assert "Your password, please" in answer.text and answer.status_code == (403 if path else 200)


def test_challenges_that_nobody_answered_are_swept(runtime: Runtime, paula: Person, clock: FixedClock) -> None:
    paula.asked()
    clock.forward(timedelta(minutes=6))
    with runtime.database.transaction() as session:
        accounts.sweep(session, clock.now())
        assert session.scalar(select(func.count()).select_from(PasskeyChallenge)) == 0


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
