"""Commands that run a part of the product, or all of it."""

import os
import sys
from collections.abc import Collection

import click

from newsletter import backup
from newsletter.clock import MovableClock
from newsletter.log import configure
from newsletter.mailbox import serve
from newsletter.runtime import signing
from newsletter.settings import ROOT, Settings, load
from newsletter.supervisor import StartError, programs, up


@click.command("up")
@click.option("--new-key", is_flag=True, help="Go on with another SECRET_KEY: links in mails sent before stop working.")
def up_command(new_key: bool) -> None:
    """Start the whole product: Redis, web, workers, beat and the local mailbox."""
    settings = load()
    programs.check_relays(settings)
    signing(settings)  # a bad key is told here once, before anything runs
    try:
        up(settings, click.echo, new_key)
    except StartError as error:
        raise click.ClickException(str(error)) from None


@click.command()
def web() -> None:
    """Run the web process alone (granian)."""
    settings = load()
    backup.finish(settings)
    signing(settings)
    programs.allow_many_files()
    _become(settings, programs.WEB, programs.web(settings))


@click.command()
@click.option("--queue", type=click.Choice(["transactional", "bulk", "beat"]), default="bulk", show_default=True)
@click.option("--concurrency", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
def worker(queue: str, concurrency: int) -> None:
    """Run a Celery worker (or beat) alone: on this machine, or on another with the same database and Redis."""
    settings = load()
    programs.check_relays(settings)
    backup.finish(settings)
    signing(settings)
    if queue == "beat":
        _become(settings, programs.BEAT, programs.beat())
    _become(settings, programs.WORKER, programs.worker(queue, concurrency))


def _become(settings: Settings, needs: Collection[str], argv: list[str]) -> None:
    os.chdir(ROOT)
    env = programs.environment(settings, needs)
    os.execve(sys.executable, [sys.executable, "-m", *argv], env)  # noqa: S606 - our own interpreter, fixed words


@click.command(hidden=True)
def mailbox() -> None:
    """Run the local mailbox alone."""
    configure()
    settings = load()
    serve(settings, MovableClock(settings.data_dir / "clock"))


commands = (up_command, web, worker, mailbox)
