"""The installation from the command line: migrate, fast-forward, owners, bad settings."""

from datetime import timedelta
from pathlib import Path

import pytest

from newsletter import accounts
from newsletter.cli import main
from newsletter.clock import MovableClock
from newsletter.db import Database
from tests.cli.conftest import Command
from tests.imap_server import ImapServer


@pytest.mark.parametrize(("span", "moved"), [("30m", {"minutes": 30}), ("3d", {"days": 3}), ("2w", {"weeks": 2})])
def test_the_clock_is_moved_for_every_process(
    span: str, moved: dict[str, int], command: Command, tmp_path: Path
) -> None:
    told = command("fast-forward", span)
    assert told.exit_code == 0 and "It is now" in told.output
    assert MovableClock(tmp_path / "clock").offset() == timedelta(**moved)


@pytest.mark.parametrize("span", ["", "3", "3 days", "-3d", "3y", "999999d"])
def test_a_span_that_is_none_is_told(span: str, command: Command, tmp_path: Path) -> None:
    told = command("fast-forward", span)
    assert told.exit_code == 2
    assert not (tmp_path / "clock").exists()


@pytest.mark.parametrize("site", ["https://news.example.org", "https://127.example.org", "http://192.0.2.7"])
def test_real_subscribers_live_in_real_time(
    site: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", site)
    told = command("fast-forward", "3d")
    assert told.exit_code == 1 and "Refused" in told.output
    assert not (tmp_path / "clock").exists()


def test_a_database_that_was_never_migrated_is_told(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/empty.sqlite3")
    told = command("subscribers", "export")
    assert told.exit_code == 1 and "newsletter migrate" in told.output


def test_migrating_makes_a_house_to_live_in_and_twice_does_no_harm(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/new.sqlite3")
    first, again = command("migrate"), command("migrate")
    assert first.exit_code == again.exit_code == 0
    assert "paul@human-movement.com" in first.output and first.output == again.output


def test_an_owner_is_made_with_a_password_of_their_own_or_ours(command: Command, house: Database) -> None:
    told = command("owner", "create", "anna@example.com")
    password = told.output.split()[-1]
    with house.reading() as session:
        assert accounts.sign_in(session, "anna@example.com", password) is not None
    assert command("owner", "create", "anna@example.com").exit_code == 1
    assert command("owner", "create", "bob@example.com", "--ask", input="short\nshort\n").exit_code == 1
    refused = command("owner", "create", "bob@example.com", "--ask", input="Password123!\nPassword123!\n")
    assert refused.exit_code == 1 and "too easy to guess" in refused.output


def test_a_forgotten_password_is_replaced(command: Command, house: Database) -> None:
    command("owner", "create", "anna@example.com", "--ask", input="correct horse\n" * 2)
    told = command("owner", "reset-password", "anna@example.com", "--ask", input="battery staple\n" * 2)
    assert told.exit_code == 0 and "battery" not in told.output
    with house.reading() as session:
        assert accounts.sign_in(session, "anna@example.com", "correct horse") is None
        assert accounts.sign_in(session, "anna@example.com", "battery staple") is not None
    assert command("owner", "reset-password", "nobody@example.com").exit_code == 1


def test_a_bad_setting_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PORT", "http")
    monkeypatch.setattr("sys.argv", ["newsletter", "doctor"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("Bad setting: PORT")


def test_the_doctor_says_what_to_do_about_each_illness(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "MAILBOX_SMTP_PORT"):
        monkeypatch.setenv(name, "1")  # nobody listens there
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    told = command("doctor")
    ill = [line for line in told.output.splitlines() if line.startswith("FAIL")]
    assert told.exit_code == 1
    assert [line.split()[1] for line in ill[:4]] == ["redis:", "mail:", "web:", "workers:"]
    assert all("make run" in line for line in ill[:3])
    assert "Redis does not answer" in ill[3]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("", ""), "ok    inbox: jane at 127.0.0.1"),
        (("secret", "wrong"), "INBOX_URL. Many providers want a password made for programs"),
        (("/INBOX", "/Bounces"), "Look at the folder in INBOX_URL"),
        (("", None), "none is read (INBOX_URL is not set)"),
    ],
)
def test_the_doctor_says_whether_the_inbox_can_be_read(
    change: tuple[str, str | None], told: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ImapServer() as server:
        monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
        if change[1] is not None:
            monkeypatch.setenv("INBOX_URL", server.url.replace(*change))
        output = command("doctor").output
        assert told in output
        assert "secret" not in output and "wrong@" not in output and ":wrong" not in output
