"""Settings: what the environment may say, and what is said when it is wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from newsletter.mail_settings import parse_inboxes
from newsletter.settings import SettingsError, load


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "http", "valid integer"),
        ("PORT", "70000", "65535"),
        ("MAILBOX_PORT", "0", "greater than or equal to 1"),
        ("DATABASE_URL", "mysql://x/y", "sqlite:/// or postgresql://"),
        ("REDIS_URL", "127.0.0.1:6379", "redis://"),
        ("SMTP_URL", "mail.example.org", "smtp://user:password@host:587"),
        ("SMTP_URL", "smtp://a.example,smtp://", "smtp://user:password@host:587"),
        ("PUBLIC_URL", "news.example.org", "https://news.example.org"),
        ("RETURN_PATH", "bounces", "bounces@example.org"),
        ("RETURN_PATH", "b*c*@example.org", "bounces@example.org"),
        ("RETURN_PATH", "@example.org", "bounces@example.org"),
        ("RETURN_PATH", "b@exa mple.org", "bounces@example.org"),
        ("PUBLIC_URL", "https://news.example.org/?from=mail", "https://news.example.org"),
        ("PUBLIC_URL", "https://news.example.org/a b", "https://news.example.org"),
        ("PUBLIC_URL", "https://news.example.org/a//b", "https://news.example.org"),
        ("PUBLIC_URL", "https://news.example.org/a/../b", "https://news.example.org"),
        ("PUBLIC_URL", "https://me@news.example.org", "https://news.example.org"),
        ("PUBLIC_URL", "https://news.example.org:http", "https://news.example.org"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, nginx", "127.0.0.1, 10.0.0.0/8; 'nginx'"),
        ("METRICS_TOKEN", "short", "METRICS_TOKEN: it needs at least 16 characters"),
        ("INBOX_URL", "pop://jane:secret@mail.example.org", "begin with imaps://"),
        ("INBOX_URL", "imap://jane:secret@mail.example.org/INBOX", "this machine only"),
        ("INBOX_URL", "imaps://mail.example.org/INBOX", "name and password are missing"),
        ("INBOX_URL", "imaps://jane:secret@mail.example.org:imap/", "port cannot be read"),
        ("INBOX_URL", "imaps://jane:sec%0Aret@mail.example.org/", "cannot be sent"),
        ("INBOX_URL", "imaps://jane:secret@mail.example.org/INBOX?tls=no", "plain name"),
        ("MAILBOX", "perhaps", "boolean"),
        ("OWNER_EMAIL", "paul", "you@example.org"),
        ("BULK_WORKERS", "0", "greater than or equal to 1"),
        ("DKIM_DOMAIN", "example", "example.org"),
        ("DKIM_DOMAIN", "a b.example", "example.org"),
        ("DKIM_DOMAIN", "https://example.org", "example.org"),
        ("DKIM_SELECTOR", "new_s", "letters, digits, dots and hyphens"),
        ("DKIM_SELECTOR", "news._domainkey", "letters, digits, dots and hyphens"),
        ("DKIM_ED25519_SELECTOR", "-a", "letters, digits, dots and hyphens"),
    ],
)
def test_a_bad_value_is_told_with_its_name_and_what_it_should_be(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        load({name: value})
    assert str(error.value).startswith(name)
    assert told in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        ({}, True),
        ({"SMTP_URL": "smtp://mail.example.org"}, False),
        ({"PUBLIC_URL": "http://localhost:9000"}, True),
        ({"PUBLIC_URL": "https://news.example.org", "MAILBOX": "on"}, True),
        ({"PUBLIC_URL": "https://news.example.org", "SMTP_URL": "smtp://mail.example.org"}, False),
    ],
)
def test_the_mailbox_runs_at_home_and_elsewhere_only_if_asked_for(given: dict[str, str], runs: bool) -> None:
    settings = load(given)
    assert settings.runs_mailbox is runs


DKIM = {"DKIM_DOMAIN": "example.org", "DKIM_SELECTOR": "news", "DKIM_KEY_FILE": "rsa.pem"}
SECOND = {"DKIM_ED25519_SELECTOR": "ed", "DKIM_ED25519_KEY_FILE": "ed.pem"}


@pytest.mark.parametrize("missing", [{one} for one in DKIM] + [{*DKIM} - {one} for one in DKIM])
def test_mail_is_signed_with_all_that_it_takes_or_not_at_all(missing: set[str]) -> None:
    with pytest.raises(SettingsError) as error:
        load({name: value for name, value in DKIM.items() if name not in missing})
    named, _, rest = str(error.value).partition(": ")
    assert set(named.split(", ")) == missing and "all set or none" in rest


@pytest.mark.parametrize("missing", ["DKIM_ED25519_SELECTOR", "DKIM_ED25519_KEY_FILE", "DKIM_KEY_FILE"])
def test_a_second_key_is_whole_and_stands_beside_a_first(missing: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{missing}: "):
        load({name: value for name, value in {**DKIM, **SECOND}.items() if name != missing})
    with pytest.raises(SettingsError, match="DKIM_DOMAIN, DKIM_SELECTOR, DKIM_KEY_FILE: "):
        load(SECOND)
    with pytest.raises(SettingsError, match=r"^DKIM_ED25519_SELECTOR: should be another"):
        load({**DKIM, **SECOND, "DKIM_ED25519_SELECTOR": "News"})


def test_keys_are_told_with_the_variable_that_names_them() -> None:
    assert load({}).dkim_keys == ()
    both = load({**DKIM, **SECOND, "DKIM_DOMAIN": "München.Example"})
    assert both.dkim_domain == "xn--mnchen-3ya.example"
    assert [key[:2] for key in both.dkim_keys] == [("DKIM_KEY_FILE", "news"), ("DKIM_ED25519_KEY_FILE", "ed")]
    assert both.dkim_keys[0][2].is_absolute()


def test_every_bad_value_is_told_at_once() -> None:
    with pytest.raises(SettingsError, match=r"(?s)PORT.*MAILBOX_PORT"):
        load({"PORT": "x", "MAILBOX_PORT": "y"})


def test_a_bad_url_is_told_without_its_password() -> None:
    with pytest.raises(SettingsError) as error:
        load({"DATABASE_URL": "mysql://owner:hunter2@db/news"})
    assert "hunter2" not in str(error.value)


def test_a_plain_install_is_local_and_keeps_everything_in_its_data_folder(tmp_path: Path) -> None:
    settings = load({"DATA_DIR": str(tmp_path)})
    assert settings.database == f"sqlite:///{tmp_path}/newsletter.sqlite3"
    assert settings.site == "http://127.0.0.1:8000"
    assert settings.is_local
    assert settings.relays == "smtp://127.0.0.1:2525?tls=none"


@pytest.mark.parametrize("given", ["postgres://u@h/n", "postgresql://u@h/n", "postgresql+psycopg://u@h/n"])
def test_every_spelling_of_a_postgresql_url_means_the_one_driver(given: str) -> None:
    assert load({"DATABASE_URL": given}).database == "postgresql+psycopg://u@h/n"


@pytest.mark.parametrize(
    ("site", "local", "domain"),
    [
        ("http://localhost:9000", True, "localhost"),
        ("http://127.0.0.7", True, "localhost"),
        ("http://[::1]:8000", True, "localhost"),
        ("https://news.example.org/", False, "news.example.org"),
        ("https://192.0.2.7", False, "[192.0.2.7]"),
        ("https://127.example.org", False, "127.example.org"),
        ("https://localhost.example.org", False, "localhost.example.org"),
    ],
)
def test_which_sites_are_on_this_machine_alone_and_the_domain_of_their_mail(
    site: str, local: bool, domain: str
) -> None:
    settings = load({"PUBLIC_URL": site})
    assert (settings.is_local, settings.mail_domain) == (local, domain)
    assert not settings.site.endswith("/")


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert load({"PORT": "", "PUBLIC_URL": ""}).site == "http://127.0.0.1:8000"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load({}).port = 9000  # type: ignore[misc]


def test_the_environment_that_is_given_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9999")
    assert load({}).port == 8000
    assert load().port == 9999


def test_a_secret_is_made_once_and_is_the_owners_to_read(tmp_path: Path) -> None:
    first, second = (load({"DATA_DIR": str(tmp_path)}).secret for _ in range(2))
    assert first == second
    assert len(first) == 64
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_a_secret_that_lost_its_bytes_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("short")
    with pytest.raises(SettingsError, match="secret_key should hold a key"):
        _ = load({"DATA_DIR": str(tmp_path)}).secret


def test_redis_is_the_one_given_else_the_one_the_product_wrote_down(tmp_path: Path) -> None:
    settings = load({"DATA_DIR": str(tmp_path)})
    assert settings.broker == "redis://127.0.0.1:6379/0"
    settings.redis_url_file.parent.mkdir()
    settings.redis_url_file.write_text("redis://127.0.0.1:7777/0\n")
    assert settings.broker == "redis://127.0.0.1:7777/0"
    assert load({"REDIS_URL": "unix:///run/redis.sock"}).broker == "redis+socket:///run/redis.sock"


@pytest.mark.parametrize("short", ["x", "secret", "k" * 31])
def test_a_short_secret_key_is_refused_and_not_repeated(short: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY: should have at least 32 characters") as refused:
        load({"DATA_DIR": str(tmp_path), "SECRET_KEY": short})
    assert "SECRET_KEY_OLD" in str(refused.value)
    assert len(short) == 1 or short not in str(refused.value)
    assert load({"SECRET_KEY": "k" * 32}).secret == b"k" * 32


def test_old_keys_may_be_short_and_several_and_hold_a_comma() -> None:
    def old(given: str) -> tuple[bytes, ...]:
        return load({"SECRET_KEY": "k" * 32, "SECRET_KEY_OLD": given}).old_secrets

    assert old("") == ()
    assert old("short") == (b"short",)
    assert old(" one, two ,," + "k" * 32)[:2] == (b"one", b"two")
    assert b"k" * 32 not in old("one," + "k" * 32)
    assert b"with,comma" in old("with,comma")


@pytest.mark.parametrize("value", ["", "bounces@example.org", "bounces+*@mail.example.org", "*@b.example.org"])
def test_the_envelope_sender_may_be_one_address_or_one_for_each_message(value: str) -> None:
    assert load({"RETURN_PATH": value}).return_path == value


def test_an_inbox_is_read_from_its_address() -> None:
    two = parse_inboxes("imaps://jane%40example.org:p%40ss%2C@mail.example.org/Bounces, imap://j:p@127.0.0.1:1143")
    assert two == [
        ("mail.example.org", 993, "jane@example.org", "p@ss,", "Bounces", True),
        ("127.0.0.1", 1143, "j", "p", "INBOX", False),
    ]
    assert [one.name for one in two] == [
        "jane@example.org at mail.example.org:993, Bounces",
        "j at 127.0.0.1:1143, INBOX",
    ]
