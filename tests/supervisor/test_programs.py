"""What each process is called with and told: no more than it needs, and nothing secret as an argument."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli import cli
from newsletter.settings import GIVEN_WHOLE, Settings, SettingsError, load
from newsletter.smtp import parse_relays, without_login
from newsletter.supervisor import programs

SECRET = {
    "SECRET_KEY": "the-present-key-" * 3, "SECRET_KEY_OLD": "the-key-before", "OWNER_PASSWORD": "owners-password",
    "DATABASE_URL": "postgresql://u:database-password@127.0.0.1/n", "REDIS_URL": "redis://:redis-password@127.0.0.1/0",
    "SMTP_URL": "smtp://u:smtp-password@mx.example.org:587?weight=2,smtps://v:other-smtp-word@mx.example.com",
    "INBOX_URL": "imaps://u:inbox-password@imap.example.org/INBOX",
}  # fmt: skip
WORDS = {
    "the-present-key-", "the-key-before", "owners-password", "database-password", "redis-password", "smtp-password",
    "other-smtp-word", "inbox-password",
}  # fmt: skip
STORES = {"the-present-key-", "the-key-before", "database-password", "redis-password"}


def _settings(folder: Path, **more: str) -> Settings:
    return load({"DATA_DIR": str(folder), "PORT": "8123", "WEB_WORKERS": "3", **SECRET, **more})


def _told(text: str) -> set[str]:
    return {word for word in WORDS if word in text}


def test_each_process_is_told_only_the_secrets_it_needs(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    parts = [*programs.every(settings), programs.prepare()]
    told = {one.name: _told("\n".join(programs.environment(settings, one.needs).values())) for one in parts}
    smtp = {"smtp-password", "other-smtp-word", "inbox-password"}
    assert told == {
        "web": STORES, "worker-transactional": STORES | smtp, "worker-bulk": STORES | smtp,
        "beat": {"redis-password", "database-password"}, "prepare": STORES | {"owners-password"},
    }  # fmt: skip
    for needs in (programs.MAILBOX, programs.SUPERVISOR):
        assert _told(str(programs.environment(settings, needs))) == set()


def test_nothing_secret_is_an_argument(tmp_path: Path) -> None:
    for program in programs.every(_settings(tmp_path)):
        assert _told(" ".join(program.argv)) == set()


def test_an_environment_that_holds_secrets_is_not_passed_on(tmp_path: Path) -> None:
    base = {"PATH": "/usr/bin", **SECRET, "secret_key": "in small letters"}
    env = programs.environment(_settings(tmp_path), programs.MAILBOX, base)
    assert env["PATH"] == "/usr/bin"
    assert _told(str(env)) == set() and "secret_key" not in env


def test_what_a_process_is_told_are_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(tmp_path, PUBLIC_URL="https://news.example.org", KEEP_IP_DAYS="7")
    env = programs.environment(settings, programs.WORKER, {})
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert GIVEN_WHOLE in os.environ
    again = load()
    for name in Settings.model_fields.keys() - {"owner_password"}:
        assert getattr(again, name) == getattr(settings, name), name


def test_a_process_that_was_told_reads_no_file_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("OWNER_PASSWORD=owners-password\nPORT=8999\n")
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    assert load().port == 8999
    monkeypatch.setenv(GIVEN_WHOLE, "1")
    assert load().port == 8000
    assert load().owner_password.get_secret_value() == ""


def test_a_relay_without_its_login_is_the_same_relay() -> None:
    urls = (
        SECRET["SMTP_URL"]
        + ",smtp://w:p%40ss%2Fw@[::1]:25,smtp://plain.example.org,smtp://u:p@noport.example.org?weight=3"
    )
    for stripped, whole in zip(parse_relays(without_login(urls)), parse_relays(urls), strict=True):
        assert (stripped.host, stripped.port, stripped.weight) == (whole.host, whole.port, whole.weight)
        assert (stripped.username, stripped.password) == ("", "")


@pytest.mark.parametrize("words", [["web"], ["worker"], ["worker", "--queue", "beat"]])
def test_a_process_run_alone_is_run_as_by_the_whole_product(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[list[str], dict[str, str]]] = []

    class Gone(Exception):
        pass

    def execve(_path: str, argv: list[str], env: dict[str, str]) -> None:
        ran.append((argv, env))
        raise Gone

    for name, value in {"DATA_DIR": str(tmp_path), **SECRET}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(cli, words)
    settings = load()
    by_name = {one.name: one for one in programs.every(settings)}
    same = by_name[{"web": "web", "worker": "worker-bulk"}[words[0]] if len(words) == 1 else "beat"]
    assert isinstance(told.exception, Gone), told.output
    ((argv, env),) = ran
    assert argv[1:] == ["-m", *same.argv]
    assert env == programs.environment(settings, same.needs)
    assert words != ["web"] or {"--respawn-failed-workers", "--workers-kill-timeout"} <= set(argv)


@pytest.mark.parametrize("command", [["up"], ["worker"]])
def test_a_real_server_that_nobody_told_where_mail_goes_does_not_start(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PUBLIC_URL", "https://news.example.org")
    told = CliRunner().invoke(cli, command).exception
    assert isinstance(told, SettingsError)
    assert str(told).startswith("SMTP_URL: ") and "MAILBOX=on" in str(told)
