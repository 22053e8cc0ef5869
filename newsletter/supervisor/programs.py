"""The product's processes: their command lines, and which secrets each gets.

Nothing secret is ever an argument: everyone on a machine can read those.
"""

import os
import resource
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pydantic import SecretStr

from newsletter.settings import GIVEN_WHOLE, Settings, SettingsError
from newsletter.smtp import without_login

KEYS = ("secret_key", "secret_key_old")
DKIM = ("dkim_domain", "dkim_selector", "dkim_key_file", "dkim_ed25519_selector", "dkim_ed25519_key_file")
SECRETS = (
    *KEYS, *DKIM, "database_url", "redis_url", "smtp_url", "inbox_url", "owner_email", "owner_password",
    "metrics_token",
)  # fmt: skip
"""Settings that only the processes that need them get."""
STORES = ("database_url", "redis_url", *KEYS)
WEB = (*STORES, "metrics_token")
WORKER = (*STORES, "smtp_url", "inbox_url", *DKIM)
BEAT = ("redis_url", "database_url")
MAILBOX: tuple[str, ...] = ()
PREPARE = (*STORES, *DKIM, "owner_email", "owner_password")
SUPERVISOR: tuple[str, ...] = ()
WORKERS_TRANSACTIONAL = 2
BAD_SETTING = 2
"""The exit code of a command stopped by a bad setting."""
HEADERS_WITHIN = 10_000
"""Milliseconds in which a request's headers must arrive, and after which an idle connection is closed."""
CONNECTIONS = 4000
"""Open at a time in each web process. One costs some kilobytes and no thread (`web.front`)."""
HEADERS_AT_MOST = 32 * 1024
"""Octets."""


def web(settings: Settings) -> list[str]:
    """The command of the site: granian, which restarts processes that fail and kills those that hang.

    HTTP/1 only: with `auto`, granian has no deadline for a client that connects and sends nothing.
    """
    return [
        "granian", "--interface", "rsgi", "--factory", "newsletter.app:create_front", "--host", settings.host,
        "--port", str(settings.port), "--workers", str(settings.web_workers), "--http", "1", "--no-ws",
        "--backlog", "2048", "--backpressure", str(CONNECTIONS),
        "--http1-header-read-timeout", str(HEADERS_WITHIN), "--http1-buffer-size", str(HEADERS_AT_MOST),
        "--respawn-failed-workers", "--workers-kill-timeout", "8", "--log-level", "warning",
    ]  # fmt: skip


def allow_many_files() -> None:
    """Raise the limit of open files to its maximum, for this process and its children: connections are files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def check_relays(settings: Settings) -> None:
    """Raise SettingsError if mail would go nowhere: on a real server without SMTP_URL."""
    if not settings.smtp_url and not settings.runs_mailbox:
        raise SettingsError(
            f"SMTP_URL: should say where mail goes (smtp://user:password@host:587), because PUBLIC_URL is "
            f"{settings.site}, not this machine. To keep all mail in the local mailbox instead, set MAILBOX=on."
        )


def worker(queue: str, concurrency: int) -> list[str]:
    """The command of a Celery worker for one queue."""
    return [
        "celery", "-A", "worker", "worker", "-Q", queue, "-c", str(concurrency), "-n", f"{queue}@%h", "--loglevel",
        "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip


def beat() -> list[str]:
    """The command of Celery's beat."""
    return ["celery", "-A", "worker", "beat", "--pidfile=", "--loglevel", "WARNING"]


@dataclass(frozen=True)
class Program:
    """A part of the product. `argv`: what follows `python -m`; `needs`: the secret settings it gets."""

    name: str
    argv: list[str]
    needs: Collection[str]
    patience: float
    """Seconds it may take to stop before it is killed."""


def every(settings: Settings) -> list[Program]:
    """All that `newsletter up` keeps running, except Redis."""
    mailbox = Program(name="mailbox", argv=["newsletter.cli", "mailbox"], needs=MAILBOX, patience=5.0)
    return [
        *([mailbox] if settings.runs_mailbox else []),
        Program(name="web", argv=web(settings), needs=WEB, patience=15.0),
        Program(
            name="worker-transactional",
            argv=worker("transactional", WORKERS_TRANSACTIONAL),
            needs=WORKER,
            patience=60.0,
        ),
        Program(name="worker-bulk", argv=worker("bulk", settings.bulk_workers), needs=WORKER, patience=60.0),
        Program(name="beat", argv=beat(), needs=BEAT, patience=10.0),
    ]


def prepare(new_key: bool = False) -> Program:
    """What runs before the others start (`supervisor.prepare`)."""
    return Program(
        name="prepare",
        argv=["newsletter.cli", "prepare", *(["--new-key"] if new_key else [])],
        needs=PREPARE,
        patience=60.0,
    )


def environment(settings: Settings, needed: Collection[str], base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """A process's environment: the operator's, the settings, and only the secrets it needs.

    The process does not read `.env`, which would hold the others.
    """
    env = {name: value for name, value in base.items() if name.lower() not in Settings.model_fields}
    for name in sorted(settings.model_fields_set - {*SECRETS} | settings.model_fields_set & {*needed}):
        value = getattr(settings, name)
        env[name.upper()] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if "smtp_url" not in needed and settings.smtp_url:
        env["SMTP_URL"] = without_login(settings.smtp_url)  # which relays there are
    return {**env, "DATA_DIR": str(settings.data_dir), "PYTHONUNBUFFERED": "1", GIVEN_WHOLE: "1"}


def plain_environment() -> dict[str, str]:
    """The operator's environment without our settings, for a program that is not ours."""
    return {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
