"""Commands about subscribers: in and out by CSV."""

import csv
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import click
from sqlalchemy import select

from newsletter.cli.opened import opened
from newsletter.imports import BadFile, import_csv
from newsletter.subscribers import Subscriber

COLUMNS = ("email", "first_name", "status", "newsletter", "zone", "created_at", "confirmed_at", "left_at")
RISKY = ("=", "+", "-", "@", "\t", "\r")


@click.group()
def subscribers() -> None:
    """Who receives."""


@subscribers.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--consent-basis", required=True, help="How these people agreed; kept with each of them.")
def import_command(file: Path, consent_basis: str) -> None:
    """Add everybody in FILE (CSV with the columns email, first_name) as confirmed newsletter subscribers."""
    if not consent_basis.strip():
        raise click.BadParameter("should say how these people agreed", param_hint="--consent-basis")
    with file.open("rb") as raw:
        total = max(sum(piece.count(b"\n") for piece in iter(lambda: raw.read(1 << 20), b"")), 1)
    with (
        opened() as rt,
        file.open(encoding="utf-8-sig", newline="") as lines,
        click.progressbar(length=total, label="Importing", file=sys.stderr) as bar,
    ):
        try:
            report = import_csv(rt.database, lines, consent_basis, rt.secrets, rt.clock.now(), bar.update)
        except BadFile as error:
            raise click.ClickException(f"{error} What came before that line is imported.") from None
    for line, reason in report.bad:
        click.echo(f"line {line}: {reason}", err=True)
    click.echo(
        f"{report.added} added, {report.known} known already (unchanged), {report.suppressed} suppressed, "
        f"{report.refused} refused, of {report.read} rows"
    )


@subscribers.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def export(file: Path | None) -> None:
    """Write everybody as CSV to FILE, or to the terminal."""
    if file and not file.parent.is_dir():
        raise click.ClickException(f"There is no folder {file.parent}; make it first, or name another.")
    with opened() as rt, rt.database.reading() as session:
        columns = [getattr(Subscriber, name) for name in COLUMNS]
        rows = session.execute(select(*columns).order_by(Subscriber.id).execution_options(yield_per=5000))
        if file is None:
            _write(sys.stdout, rows)
            return
        half = file.with_name(f"{file.name}.part")
        try:
            with half.open("w", encoding="utf-8", newline="") as out:
                _write(out, rows)
            os.replace(half, file)  # whole or not at all
        finally:
            half.unlink(missing_ok=True)


def _write(out: TextIO, rows: Iterable[Any]) -> None:
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> str:
    text = "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
    # A spreadsheet would run a cell that begins like a formula; an apostrophe keeps it text.
    return f"'{text}" if text.startswith(RISKY) else text
