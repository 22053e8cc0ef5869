"""Commands that run a part of the product, or all of it."""

import os
import sys

import click

from newsletter.clock import MovableClock
from newsletter.log import configure
from newsletter.mailbox import serve
from newsletter.runtime import signing
from newsletter.settings import ROOT, load
from newsletter.supervisor import StartError, up


@click.command("up")
@click.option("--new-key", is_flag=True, help="Go on with another SECRET_KEY: links in mails sent before stop working.")
def up_command(new_key: bool) -> None:
    """Start the whole product: Redis, web, workers, beat and the local mailbox."""
    settings = load()
    signing(settings)  # a bad key is told here once, before anything runs
    try:
        up(settings, click.echo, new_key)
    except StartError as error:
        raise click.ClickException(str(error)) from None


@click.command()
def web() -> None:
    """Run the web process alone (granian)."""
    settings = load()
    signing(settings)
    _become(
        "granian", "--interface", "wsgi", "--factory", "newsletter.app:create_app", "--host", settings.host,
        "--port", str(settings.port), "--workers", str(settings.web_workers), "--blocking-threads", "4", "--no-ws",
    )  # fmt: skip


@click.command()
@click.option("--queue", type=click.Choice(["transactional", "bulk", "beat"]), default="bulk", show_default=True)
@click.option("--concurrency", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
def worker(queue: str, concurrency: int) -> None:
    """Run a Celery worker (or beat) alone: on this machine, or on another with the same database and Redis."""
    signing(load())
    if queue == "beat":
        _become("celery", "-A", "worker", "beat", "--pidfile=", "--loglevel", "WARNING")
    _become(
        "celery", "-A", "worker", "worker", "-Q", queue, "-c", str(concurrency), "-n", f"{queue}@%h", "--loglevel",
        "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat",
    )  # fmt: skip


def _become(*argv: str) -> None:
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", *argv])  # noqa: S606 - our own interpreter, fixed words


@click.command(hidden=True)
def mailbox() -> None:
    """Run the local mailbox alone."""
    configure()
    settings = load()
    serve(settings, MovableClock(settings.data_dir / "clock"))


commands = (up_command, web, worker, mailbox)
