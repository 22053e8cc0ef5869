"""What the product's processes are called with, and which of its secrets each is told.

Nothing secret is ever an argument: everybody on a machine can read those.
"""

import os
from collections.abc import Collection, Mapping

from pydantic import SecretStr

from newsletter.mail.transport import without_login
from newsletter.settings import GIVEN_WHOLE, Settings

KEYS = ("secret_key", "secret_key_old")
DKIM = ("dkim_domain", "dkim_selector", "dkim_key_file", "dkim_ed25519_selector", "dkim_ed25519_key_file")
SECRETS = (*KEYS, *DKIM, "database_url", "redis_url", "smtp_url", "owner_email", "owner_password")
"""Settings that only those processes see which need them."""
WEB = ("database_url", "redis_url", *KEYS)
WORKER = (*WEB, "smtp_url", *DKIM)
BEAT = ("redis_url",)
MAILBOX: tuple[str, ...] = ()


def web(settings: Settings) -> list[str]:
    """The site: granian, with processes that are started again when they fail, and killed when they hang."""
    return [
        "granian", "--interface", "wsgi", "--factory", "newsletter.app:create_app", "--host", settings.host,
        "--port", str(settings.port), "--workers", str(settings.web_workers), "--blocking-threads", "4", "--no-ws",
        "--respawn-failed-workers", "--workers-kill-timeout", "8",
    ]  # fmt: skip


def worker(queue: str, concurrency: int) -> list[str]:
    """A Celery worker of one queue."""
    return [
        "celery", "-A", "worker", "worker", "-Q", queue, "-c", str(concurrency), "-n", f"{queue}@%h", "--loglevel",
        "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip


def beat() -> list[str]:
    """Celery's beat."""
    return ["celery", "-A", "worker", "beat", "--pidfile=", "--loglevel", "WARNING"]


def environment(settings: Settings, needed: Collection[str], base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a process gets: the operator's environment, the settings, and of the secrets only those it needs.

    It reads no `.env` by itself, which would hold the others.
    """
    env = {name: value for name, value in base.items() if name.lower() not in Settings.model_fields}
    for name in sorted(settings.model_fields_set - {*SECRETS} | settings.model_fields_set & {*needed}):
        value = getattr(settings, name)
        env[name.upper()] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if "database_url" in needed and "smtp_url" not in needed and settings.smtp_url:
        env["SMTP_URL"] = without_login(settings.smtp_url)  # that there are relays, and which
    return {**env, "DATA_DIR": str(settings.data_dir), "PYTHONUNBUFFERED": "1", GIVEN_WHOLE: "1"}


def plain_environment() -> dict[str, str]:
    """For a program that is not ours: the operator's environment without any setting of ours."""
    return {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
