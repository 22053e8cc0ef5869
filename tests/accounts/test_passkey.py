"""Challenges are good once and briefly; where passkeys belong; what a device answers is judged as the standard says."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.accounts import ceremony, passkey
from newsletter.accounts.ceremony import BadPasskey, NoPlace, Place
from newsletter.db import Database
from tests.accounts.device import Device
from tests.conftest import NOON

LOCAL = Place("localhost", "http://localhost:8000")
CHALLENGE = "A" * 43
HANDLE = "ab" * 32


def options(**wanted: Any) -> dict[str, Any]:
    made = {"site": "Human Movement", "email": "paula@example.org", "handle": HANDLE, "known": ["a2V5"], **wanted}
    read: dict[str, Any] = json.loads(ceremony.asked_to_make(LOCAL, CHALLENGE, **made))
    return read


@pytest.mark.parametrize(("site", "where"), [
    ("http://127.0.0.1:8000", LOCAL), ("http://[::1]:8000", LOCAL), ("http://localhost:8000/news", LOCAL),
    ("http://localhost", Place("localhost", "http://localhost")),
    ("https://news.example.org", Place("news.example.org", "https://news.example.org")),
    ("https://News.Example.org:443/mail", Place("news.example.org", "https://news.example.org")),
    ("https://news.example.org:8443", Place("news.example.org", "https://news.example.org:8443")),
    ("https://bücher.example", Place("xn--bcher-kva.example", "https://xn--bcher-kva.example")),
    ("https://192.0.2.7", NoPlace.NUMBER), ("http://[2001:db8::1]:8000", NoPlace.NUMBER),
    ("http://news.example.org", NoPlace.PLAIN),
])  # fmt: skip
def test_where_passkeys_belong(site: str, where: Place | NoPlace) -> None:
    assert ceremony.place(site) == where


def test_a_challenge_is_good_once_and_for_five_minutes(database: Database) -> None:
    with database.transaction() as session:
        first, second, third = (passkey.new_challenge(session, NOON) for _ in range(3))
    with database.transaction() as session:
        assert len({first, second, third}) == 3
        assert passkey.take_challenge(session, first, NOON + timedelta(minutes=5))
        assert not passkey.take_challenge(session, first, NOON)
        assert not passkey.take_challenge(session, second, NOON + timedelta(minutes=5, seconds=1))
        assert not passkey.take_challenge(session, "never made", NOON)
        passkey.sweep(session, NOON + timedelta(minutes=6))
        assert not passkey.take_challenge(session, third, NOON)


def test_what_is_asked_for(database: Database) -> None:
    asked = options()
    assert asked["rp"] == {"id": "localhost", "name": "Human Movement"} and asked["attestation"] == "none"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["authenticatorSelection"]["residentKey"] == "required"
    assert [one["id"] for one in asked["excludeCredentials"]] == ["a2V5"]
    signing = json.loads(ceremony.asked_to_sign(LOCAL, CHALLENGE))
    assert (signing["userVerification"], signing["allowCredentials"], signing["rpId"]) == ("required", [], "localhost")
    assert signing["timeout"] == asked["timeout"] == 300_000


def test_a_key_is_made_and_signs() -> None:
    device = Device(count=3)
    new = ceremony.made(LOCAL, CHALLENGE, device.made(options()))
    assert (new.sign_count, new.rp_id) == (3, "localhost")
    device.count = 9
    answer = device.signed({"challenge": CHALLENGE})
    assert ceremony.id_of(answer) == new.credential_id
    seen = ceremony.signed(LOCAL, CHALLENGE, answer, new.public_key)
    assert (seen.sign_count, seen.handle) == (9, HANDLE)


@pytest.mark.parametrize("lie", [
    {"origin": "https://evil.example"}, {"origin": "http://localhost:8001"}, {"rp_id": "evil.example"},
    {"flags": 0x01}, {"flags": 0x04},
], ids=str)  # fmt: skip
def test_what_was_made_elsewhere_or_by_nobody_is_refused(lie: dict[str, Any]) -> None:
    device = Device()
    new = ceremony.made(LOCAL, CHALLENGE, device.made(options()))
    liar = replace(device, **lie)
    with pytest.raises(BadPasskey):
        ceremony.made(LOCAL, CHALLENGE, liar.made(options()))
    with pytest.raises(BadPasskey):
        ceremony.signed(LOCAL, CHALLENGE, liar.signed({"challenge": CHALLENGE}), new.public_key)


def test_another_challenge_or_key_is_refused() -> None:
    device = Device()
    new = ceremony.made(LOCAL, CHALLENGE, device.made(options()))
    with pytest.raises(BadPasskey):
        ceremony.made(LOCAL, "B" * 43, device.made(options()))
    with pytest.raises(BadPasskey):
        ceremony.signed(LOCAL, "B" * 43, device.signed({"challenge": CHALLENGE}), new.public_key)
    with pytest.raises(BadPasskey):
        ceremony.signed(LOCAL, CHALLENGE, Device(id=device.id).signed({"challenge": CHALLENGE}), new.public_key)
    made = device.made(options())
    with pytest.raises(BadPasskey):
        ceremony.signed(LOCAL, CHALLENGE, made, new.public_key)


@pytest.mark.parametrize("octets", [b"", b"\xff", b"\x9f" * 20_000, cbor2.dumps({}), cbor2.dumps({"fmt": 1})])
def test_an_attestation_that_is_none_is_refused(octets: bytes) -> None:
    answer = json.loads(Device().made(options()))
    answer["response"]["attestationObject"] = octets.hex()
    with pytest.raises(BadPasskey):
        ceremony.made(LOCAL, CHALLENGE, json.dumps(answer))


@pytest.mark.parametrize("answer", ["", "x" * 10_000, "[" * 50_000, "{}", "null", '{"id": 1}', "\0", "9" * 5000])
def test_what_is_no_answer_is_refused(answer: str) -> None:
    for ask in (ceremony.id_of, lambda told: ceremony.made(LOCAL, CHALLENGE, told),
                lambda told: ceremony.signed(LOCAL, CHALLENGE, told, "")):  # fmt: skip
        with pytest.raises(BadPasskey):
            ask(answer)


@given(st.data())
def test_no_answer_that_is_spoilt_raises_anything_else(data: st.DataObject) -> None:
    device = Device()
    answer = json.loads(device.signed({"challenge": CHALLENGE}))
    name = data.draw(st.sampled_from(sorted(answer["response"])))
    answer["response"][name] = data.draw(st.one_of(st.text(), st.binary().map(bytes.hex), st.none(), st.integers()))
    with pytest.raises(BadPasskey):
        ceremony.signed(LOCAL, CHALLENGE, json.dumps(answer), "pQECAyYgASFYIA")


@pytest.mark.parametrize(("kept", "said", "back"), [(0, 0, False), (0, 1, False), (5, 6, False), (5, 5, True),
                                                    (5, 4, True), (5, 0, True)])  # fmt: skip
def test_a_counter_that_stands_still_or_goes_back_is_seen(kept: int, said: int, back: bool) -> None:
    assert passkey.Passkey(sign_count=kept).goes_back(said) is back


def test_no_process_pays_for_the_library_before_somebody_asks() -> None:
    look = "import sys, newsletter.preloaded, newsletter.app; print([one for one in sys.modules if 'webauthn' in one])"
    seen = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
