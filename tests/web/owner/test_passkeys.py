"""Paula and Ed add passkeys and lose them; what is made elsewhere, twice or by nobody is not kept."""

import re
from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from newsletter import accounts, credentials
from newsletter.accounts import Owner, Passkey
from newsletter.accounts.passkey import MOST, PasskeyChallenge
from newsletter.accounts.second_factor import RecoveryCode
from newsletter.clock import FixedClock
from newsletter.credentials import Way
from newsletter.runtime import Runtime
from tests.accounts.device import Device
from tests.web.owner.conftest import EMAIL, readable, sign_in
from tests.web.owner.keyring import Inbox, Person, asked, audited, codes, ed, let_in, paula, send

__all__ = ["codes", "ed", "paula"]


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
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Passkey)) == MOST


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


def test_a_challenge_of_another_session_adds_nothing(paula: Person) -> None:
    made = paula.device.made(paula.asked())
    with paula.desk.client.session_transaction() as kept:
        kept["passkey_new"] = [kept["passkey_new"][0], 999]
    assert "Nothing was added" in paula.add("x", made)
