"""One frozen settings object, built from the environment (and `.env`). Nothing connects here."""

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from newsletter.mail_settings import checked_inboxes, checked_relays, checked_return_path
from newsletter.networks import LOOPBACK, domain_name, is_loopback, network_list, site_url
from newsletter.spamd import checked_place

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: templates, static files, migrations and content live here."""

Port = Annotated[int, Field(ge=1, le=65535)]
SHORTEST_SECRET = 32
"""Minimum characters of SECRET_KEY. Old keys may be shorter: they predate this rule."""
_SELECTOR = re.compile(r"(?!.{64})[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\Z", re.IGNORECASE)
GIVEN_WHOLE = "NEWSLETTER_SETTINGS_GIVEN"
"""Set for processes that `newsletter up` starts: all their settings are in the environment, and `.env` is not read."""


class SettingsError(Exception):
    """A setting cannot be used; the message names it and says what it should be."""


class Settings(BaseSettings):
    """What the operator may set. Names are the environment's (see `.env.example`)."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_file=ROOT / ".env", env_ignore_empty=True)

    data_dir: Path = ROOT / "var"
    database_url: str = ""
    redis_url: str = ""
    smtp_url: Annotated[str, AfterValidator(checked_relays)] = ""
    return_path: Annotated[str, AfterValidator(checked_return_path)] = ""
    inbox_url: Annotated[str, AfterValidator(checked_inboxes)] = ""
    public_url: Annotated[str, AfterValidator(site_url)] = ""
    trusted_proxies: Annotated[str, AfterValidator(network_list)] = LOOPBACK
    secret_key: SecretStr = SecretStr("")
    secret_key_old: SecretStr = SecretStr("")
    host: Annotated[str, StringConstraints(min_length=1)] = "127.0.0.1"
    port: Port = 8000
    mailbox_port: Port = 8025
    mailbox_smtp_port: Port = 2525
    blog_port: Port = 8026
    web_workers: Annotated[int, Field(ge=1, le=64)] = 2
    bulk_workers: Annotated[int, Field(ge=1, le=64)] = 2
    pause_at_refused: Annotated[int, Field(ge=1, le=100)] = 25
    keep_ip_days: Annotated[int, Field(ge=0, le=3650)] = 180
    mailbox: bool = False
    spamd: Annotated[str, AfterValidator(checked_place)] = ""
    metrics_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    sign_ups_per_domain: Annotated[int, Field(ge=0)] = 500
    check_domains: bool | None = None
    owner_email: str = ""
    owner_password: SecretStr = SecretStr("")
    dkim_domain: Annotated[str, AfterValidator(domain_name)] = ""
    dkim_selector: str = ""
    dkim_key_file: Path | None = None
    dkim_ed25519_selector: str = ""
    dkim_ed25519_key_file: Path | None = None

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        for plain in ("postgres://", "postgresql://"):
            if value.startswith(plain):
                return "postgresql+psycopg://" + value.removeprefix(plain)
        if value and not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("should begin with sqlite:/// or postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "redis+socket://", "unix://")):
            raise ValueError("should begin with redis://, rediss:// or unix://, for example redis://127.0.0.1:6379/0")
        return value.replace("unix://", "redis+socket://", 1) if value.startswith("unix://") else value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(
                f"should have at least {SHORTEST_SECRET} characters; `openssl rand -hex 32` prints a good one. If mail "
                "has gone out with the present one, put that into SECRET_KEY_OLD, so that the links in it keep working"
            )
        return value

    @field_validator("owner_email")
    @classmethod
    def _email(cls, value: str) -> str:
        if value and (value.count("@") != 1 or any(c.isspace() for c in value)):
            raise ValueError("should be an e-mail address, for example you@example.org")
        return value.strip()

    @field_validator("dkim_selector", "dkim_ed25519_selector")
    @classmethod
    def _selector(cls, value: str) -> str:
        if value and not _SELECTOR.match(value):
            raise ValueError("should be a name of letters, digits, dots and hyphens, for example news2026")
        return value

    @field_validator("dkim_key_file", "dkim_ed25519_key_file")
    @classmethod
    def _key_file(cls, value: Path | None) -> Path | None:
        return value and value.expanduser().resolve()

    @model_validator(mode="after")
    def _dkim(self) -> Self:
        first = ("dkim_domain", "dkim_selector", "dkim_key_file")
        second = ("dkim_ed25519_selector", "dkim_ed25519_key_file")
        for wanted in (first, (*second, *first) if any(getattr(self, name) for name in second) else ()):
            missing = [name.upper() for name in wanted if not getattr(self, name)]
            if 0 < len(missing) < len(wanted):
                raise ValueError(f"{', '.join(missing)}: should be set too; they are all set or none")
        if self.dkim_selector and self.dkim_selector.lower() == self.dkim_ed25519_selector.lower():
            raise ValueError("DKIM_ED25519_SELECTOR: should be another than DKIM_SELECTOR: a name in DNS holds one key")
        return self

    @property
    def dkim_keys(self) -> tuple[tuple[str, str, Path], ...]:
        """The keys that sign mail: the variable that names the file, the selector, the file."""
        every = (
            ("DKIM_KEY_FILE", self.dkim_selector, self.dkim_key_file),
            ("DKIM_ED25519_KEY_FILE", self.dkim_ed25519_selector, self.dkim_ed25519_key_file),
        )
        return tuple((variable, selector, file) for variable, selector, file in every if file)

    @property
    def database(self) -> str:
        """The SQLAlchemy URL: the one given, else an SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'newsletter.sqlite3'}"

    @property
    def site(self) -> str:
        """The site's address as visitors see it, without a trailing slash."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    @property
    def is_https(self) -> bool:
        """Whether visitors come over TLS: then cookies are `Secure`, and no other host can set them."""
        return self.site.startswith("https://")

    @property
    def site_host(self) -> str:
        """The host of `site`."""
        return urlsplit(self.site).hostname or "localhost"

    @property
    def site_path(self) -> str:
        """The path the site is under, such as "/news"; "" at the root of its host."""
        return urlsplit(self.site).path

    @property
    def mail_domain(self) -> str:
        """The domain of Message-IDs and return paths (RFC 5321 §4.1.3 for a bare IP address)."""
        if self.is_local:
            return "localhost"
        bare = self.site_host.replace(".", "").isdigit()
        return f"[{self.site_host}]" if bare else self.site_host

    @property
    def is_local(self) -> bool:
        """Whether the site is only reachable from this machine (loopback, RFC 1122 §3.2.1.3)."""
        return is_loopback(self.site_host)

    @property
    def runs_mailbox(self) -> bool:
        """Whether the local mailbox runs: in a local installation without SMTP_URL, or if MAILBOX is on."""
        return self.mailbox or (self.is_local and not self.smtp_url)

    @property
    def looks_domains_up(self) -> bool:
        """Whether domains of typed addresses are looked up: CHECK_DOMAINS, else if mail leaves this machine."""
        return not self.runs_mailbox and not self.is_local if self.check_domains is None else self.check_domains

    @property
    def relays(self) -> str:
        """Where mail goes: `SMTP_URL`, else the local mailbox."""
        return self.smtp_url or f"smtp://127.0.0.1:{self.mailbox_smtp_port}?tls=none"

    @property
    def broker(self) -> str:
        """The Redis URL in Celery's form: the one given, else the one the running product wrote to its file."""
        if self.redis_url:
            return self.redis_url
        try:
            return self.redis_url_file.read_text().strip()
        except FileNotFoundError:
            return "redis://127.0.0.1:6379/0"

    @property
    def redis(self) -> str:
        """The same in the Redis client's form."""
        return self.broker.replace("redis+socket://", "unix://", 1)

    @property
    def redis_url_file(self) -> Path:
        """The file in which `newsletter up` stores its own Redis's URL for other processes."""
        return self.data_dir / "redis" / "url"

    @cached_property
    def secret(self) -> bytes:
        """The key that signs every link and cookie: `SECRET_KEY`, else one generated once in the data folder."""
        given = self.secret_key.get_secret_value()
        return given.encode() if given else _kept_secret(self.data_dir / "secret_key")

    @cached_property
    def old_secrets(self) -> tuple[bytes, ...]:
        """Retired keys, newest first: links made with them keep working (`SECRET_KEY_OLD`)."""
        given = self.secret_key_old.get_secret_value()
        # Also as a whole: an old key may hold a comma.
        every = [part.strip() for part in (*given.split(","), given)]
        return tuple(dict.fromkeys(part.encode() for part in every if part and part.encode() != self.secret))

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """The key, followed by the old ones."""
        return (self.secret, *self.old_secrets)


class _Unfiled(Settings):
    """Settings only from what is given, without `.env` and the process's environment."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the caller's values."""
        return (init_settings,)


def _kept_secret(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        fresh.write_text(secrets.token_hex(32))
        fresh.chmod(0o600)
        with suppress(FileExistsError):
            os.link(fresh, path)  # atomic: the first of two starters wins
        fresh.unlink()
    secret = path.read_bytes().strip()
    if len(secret) < SHORTEST_SECRET:
        raise SettingsError(
            f"{path} should hold a key of at least {SHORTEST_SECRET} characters; restore it from a backup or delete it"
        )
    return secret


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Build the settings from the process's environment, or from `environ` alone when given.

    Raises SettingsError naming every bad variable and what it should be.
    """
    try:
        if environ is None:
            if GIVEN_WHOLE in os.environ:
                return load(dict(os.environ), **overrides)
            return Settings(**overrides)
        known = {k.lower(): v for k, v in environ.items() if k.lower() in Settings.model_fields and v}
        return _Unfiled(**{**known, **overrides})
    except ValidationError as error:
        lines = [_explained(e) for e in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def _explained(error: Any) -> str:
    if not error["loc"]:  # a rule about several settings: its message names them
        return str(error["msg"].removeprefix("Value error, "))
    name = str(error["loc"][0]).upper()
    secretive = any(word in name for word in ("PASSWORD", "KEY", "URL", "TOKEN"))
    seen = "" if secretive else f" (it is {error['input']!r})"
    if error["type"] in ("too_short", "string_too_short"):  # for a secret, pydantic says "items"
        return f"{name}{seen}: it needs at least {error['ctx']['min_length']} characters"
    return f"{name}{seen}: {error['msg'].removeprefix('Value error, ')}"
