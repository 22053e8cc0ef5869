"""`newsletter dkim key`: a key, the record to publish, and a start that refuses what cannot be used."""

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from sqlalchemy import select

from newsletter.accounts import AuditEntry
from newsletter.cli import main
from newsletter.db import Database
from newsletter.mail.render import Dkim
from newsletter.mail.signing import SigningKey
from newsletter.runtime import build
from newsletter.settings import SettingsError, load
from tests.cli.conftest import Command

Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def _written(file: Path, key: Private, encryption: KeySerializationEncryption | None = None) -> Path:
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))
    return file


def _told_settings(output: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in output.splitlines() if line.startswith("DKIM_"))


def _signing(environ: dict[str, str]) -> Dkim | None:
    return build(load({"SECRET_KEY": "k" * 40, **environ})).renderer.dkim


def test_what_the_command_tells_is_what_a_start_needs(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    rsa_told = command("dkim", "key", "--domain", "Example.org")
    assert rsa_told.exit_code == 0, rsa_told.output
    for name, value in _told_settings(rsa_told.output).items():
        monkeypatch.setenv(name, value)
    ed_told = command("dkim", "key", "--type", "ed25519")
    assert ed_told.exit_code == 0, ed_told.output
    dkim = _signing(_told_settings(rsa_told.output) | _told_settings(ed_told.output))
    assert dkim is not None and dkim.domain == "example.org"
    assert [key.algorithm for key in dkim.keys] == ["rsa-sha256", "ed25519-sha256"]
    for key, told in zip(dkim.keys, (rsa_told.output, ed_told.output), strict=True):
        assert f"Name   {key.selector}._domainkey.example.org\n" in told
        assert f"Value  {key.record}\n" in told
        strings = re.findall(r'"([^"]*)"', told)
        assert "".join(strings) == key.record and max(map(len, strings)) <= 255


def test_a_key_that_is_there_is_kept_and_its_record_told_again(command: Command, tmp_path: Path) -> None:
    first = command("dkim", "key", "--domain", "example.org", "--bits", "3072")
    kept = (tmp_path / "dkim" / "news.pem").read_bytes()
    again = command("dkim", "key", "--domain", "example.org")
    assert (tmp_path / "dkim" / "news.pem").read_bytes() == kept
    assert first.output.splitlines()[1:] == again.output.splitlines()[1:]
    other = command("dkim", "key", "--domain", "example.org", "--type", "ed25519", "--selector", "news")
    assert other.exit_code == 1 and "another type" in other.output


def test_a_new_selector_gets_a_new_key(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in _told_settings(command("dkim", "key", "--domain", "example.org").output).items():
        monkeypatch.setenv(name, value)
    assert "The key was there" in command("dkim", "key").output
    assert "A new key" in command("dkim", "key", "--selector", "news2027").output
    assert {file.name for file in (tmp_path / "dkim").iterdir()} == {"news.pem", "news2027.pem"}


@pytest.mark.parametrize("words", [(), ("--domain", "example.org", "--file", "/dev/null/key.pem")])
def test_what_cannot_be_made_is_told(words: tuple[str, ...], command: Command) -> None:
    told = command("dkim", "key", *words)
    assert told.exit_code == 1 and told.output.startswith("Error: ")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("missing", "newsletter dkim key"),
        ("folder", "cannot be read"),
        ("text", "private key as PEM"),
        ("short", "at least 2048 bits; it has 1024"),
        ("curve", "RSA or an Ed25519"),
        ("locked", "without a password"),
    ],
)
def test_a_key_that_cannot_be_used_stops_the_start(kind: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    if kind == "folder":
        file.mkdir()
    elif kind == "text":
        file.write_text("v=DKIM1")
    elif kind == "short":
        _written(file, rsa.generate_private_key(65537, 1024))
    elif kind == "curve":
        _written(file, ec.generate_private_key(ec.SECP256R1()))
    elif kind == "locked":
        _written(file, ed25519.Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret"))
    with pytest.raises(SettingsError) as error:
        _signing({"DKIM_DOMAIN": "example.org", "DKIM_SELECTOR": "news", "DKIM_KEY_FILE": str(file)})
    assert str(error.value).startswith(f"DKIM_KEY_FILE: {file}") and told in str(error.value)


@pytest.mark.parametrize("kinds", ["ee", "rr", "er"])
def test_two_keys_are_an_rsa_key_and_an_ed25519_key_beside_it(kinds: str, tmp_path: Path) -> None:
    made: dict[str, Private] = {
        "e": ed25519.Ed25519PrivateKey.generate(), "r": rsa.generate_private_key(65537, 2048),
    }  # fmt: skip
    files = [str(_written(tmp_path / f"{place}.pem", made[kind])) for place, kind in enumerate(kinds)]
    first = {"DKIM_DOMAIN": "example.org", "DKIM_SELECTOR": "a", "DKIM_KEY_FILE": files[0]}
    alone = _signing(first)
    assert alone is not None and len(alone.keys) == 1
    with pytest.raises(SettingsError, match=r"^DKIM_(ED25519_)?KEY_FILE: "):
        _signing({**first, "DKIM_ED25519_SELECTOR": "b", "DKIM_ED25519_KEY_FILE": files[1]})


@pytest.mark.parametrize("process", [("web",), ("worker",), ("migrate",)])
def test_no_process_starts_with_a_bad_key(
    process: tuple[str, ...], command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    for name, value in {"DOMAIN": "example.org", "SELECTOR": "news", "KEY_FILE": str(tmp_path / "none.pem")}.items():
        monkeypatch.setenv(f"DKIM_{name}", value)
    monkeypatch.setattr("sys.argv", ["newsletter", *process])
    monkeypatch.setattr("os.execve", lambda *_: pytest.fail("it started"))
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("Bad setting: DKIM_KEY_FILE: ")


def test_the_doctor_sees_a_signature_that_speaks_for_somebody_else(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "ok    dkim: mail is not signed here" in command("doctor").output
    for domain, seen in {"human-movement.com": "ok    dkim: rsa-sha256 news.", "example.org": "FAIL  dkim: "}.items():
        for name, value in _told_settings(command("dkim", "key", "--domain", domain).output).items():
            monkeypatch.setenv(name, value)
        assert seen in command("doctor").output


def test_a_key_is_adopted_on_purpose_and_the_doctor_says_which_host_waits(
    command: Command, house: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Mail is not signed here" in command("dkim", "adopt").output
    for name, value in _told_settings(command("dkim", "key", "--domain", "human-movement.com").output).items():
        monkeypatch.setenv(name, value)
    name = "news._domainkey.human-movement.com"
    assert f"The key of {name} was known already" in command("dkim", "adopt").output
    with house.transaction() as session:
        session.get_one(SigningKey, name).key_print = "0" * 64
    assert f"FAIL  dkim: the key of {name} is not the one that other hosts sign with" in command("doctor").output
    assert f"The key of {name} is the right one from now on" in command("dkim", "adopt").output
    assert f"ok    dkim: rsa-sha256 {name}" in command("doctor").output
    with house.reading() as session:
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.action, entry.detail) == ("DKIM key changed", f"{name}, by a command")
