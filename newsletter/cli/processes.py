"""Commands that run one process of the program, or prepare for it."""

import os
import sys
from collections.abc import Collection

import click

from newsletter import backup
from newsletter.runtime import signing
from newsletter.settings import ROOT, Settings, load
from newsletter.supervisor import StartError, programs
from newsletter.supervisor.prepare import prepare


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


@click.command()
def migrate() -> None:
    """Bring the database up to date, and fill a new one with its seeds."""
    settings = load()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        owner = prepare(settings)
    except StartError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"The database is up to date. Owner: {owner.words}")


@click.command("prepare", hidden=True)
@click.option("--new-key", is_flag=True)
def prepare_command(new_key: bool) -> None:
    """Do what comes before every other part. `newsletter up` runs it, and holds the lock of the data folder."""
    settings = load()
    signing(settings)  # reports a bad key once, before anything runs
    backup.sweep(settings)
    try:
        click.echo(prepare(settings, new_key).words)
    except StartError as error:
        raise click.ClickException(str(error)) from None
