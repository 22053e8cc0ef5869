"""The `backup` and `restore` commands."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from newsletter import backup
from newsletter.backup import Archive, BadBackup, NotRestored
from newsletter.backup.archive import OLD_KEYS, Tick
from newsletter.cli.opened import opened
from newsletter.db import Database
from newsletter.runtime import Runtime
from newsletter.settings import Settings, load
from newsletter.supervisor import StartError
from newsletter.supervisor.alone import alone

MENTIONED = {"subscribers": "subscribers", "articles": "articles", "campaigns": "campaigns", "messages": "messages"}


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup_command(file: Path) -> None:
    """Write everything this installation is into FILE, while it runs: database, key, guides, media."""
    with opened() as rt, _explained(), _bar(_size(rt), "Backing up") as tick:
        manifest = backup.write(rt, file.absolute(), rt.clock.now(), tick)
    size = file.stat().st_size / 2**20
    click.echo(f"{file}: {_told(manifest.counts)}; {size:.1f} MB, for your eyes only: it holds addresses and the key.")


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace what is here without asking.")
def restore_command(file: Path, yes: bool) -> None:
    """Put the backup FILE in the place of what is here. The product has to be stopped; sending is locked afterwards."""
    settings = load()
    with _explained(), _archive(file) as archive:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(settings, click.echo):
            backup.finish(settings)
            backup.check(settings, archive)
            _ask(settings, archive, yes)
            with _bar(archive.size, "Restoring") as tick:
                done = backup.restore(settings, archive, datetime.now(UTC), tick)
    _tell(archive, done, settings)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except StartError as error:
        raise click.ClickException(f"Nothing was restored. {error}") from None
    except (BadBackup, NotRestored) as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def _archive(file: Path) -> Iterator[Archive]:
    archive = Archive(file)
    try:
        yield archive
    finally:
        archive.close()


@contextmanager
def _bar(size: int, label: str) -> Iterator[Tick]:
    shown = sys.stderr if sys.stderr.isatty() else None
    if shown is None:
        yield lambda _: None
        return
    with click.progressbar(length=max(size, 1), label=label, file=shown) as bar:
        yield bar.update


def _size(rt: Runtime) -> int:
    """Approximate octets to read: the database twice (copied, then compressed), and the guides."""
    both = (path for folder in (rt.guides.own, rt.guides.shipped) for path in folder.glob("*"))
    files = sum(path.stat().st_size for path in both if path.is_file())
    if rt.database.is_sqlite:
        return files + 2 * Path(str(rt.database.engine.url.database)).stat().st_size
    return files


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts.get(table, 0)} {word}" for table, word in MENTIONED.items())


def _ask(settings: Settings, archive: Archive, yes: bool) -> None:
    told = archive.manifest
    click.echo(f"The backup is of {told.created:%A %d %B %Y, %H:%M} UTC: {_told(told.counts)}.")
    site = told.settings.get("public_url", "")
    if site != settings.public_url:
        click.echo(f"PUBLIC_URL was {site or 'not set'} there: links in old mails lead there.")
    if not yes and _holds_something(settings):
        click.confirm("What is here now is replaced by it and gone. Go on?", abort=True)


def _holds_something(settings: Settings) -> bool:
    database = Database(settings.database)
    try:
        return not database.is_sqlite or Path(str(database.engine.url.database)).exists()
    finally:
        database.dispose()


def _tell(archive: Archive, done: backup.Restored, settings: Settings) -> None:
    click.echo(f"Restored: {_told(archive.manifest.counts)}.")
    if done.carried is None:
        click.echo("What was here before did not tell who has left since the backup.")
    else:
        click.echo(f"{done.carried} people had left, stopped something, bounced or been erased since: that stays so.")
    if OLD_KEYS in archive.names and not settings.secret_key_old.get_secret_value():
        click.echo(f"Earlier keys are in {settings.data_dir / OLD_KEYS}: put that line into SECRET_KEY_OLD first.")
    click.echo(f"Sending is locked. Start the product, and see {settings.site}/owner/held for what would go.")
