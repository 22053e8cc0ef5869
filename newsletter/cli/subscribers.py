"""The `subscribers` commands: import and export."""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

import click

from newsletter.cli.listed import open_list, parse_order
from newsletter.cli.opened import opened
from newsletter.garbage import collect_rarely
from newsletter.imports import BadFile, ErrorsFile, Report, export_csv, import_csv
from newsletter.imports.direct import Stopped
from newsletter.imports.for_known import ForKnown
from newsletter.imports.run import Order
from newsletter.imports.sentences import changes, how_read, outcome, refusals, rows, summary
from newsletter.runtime import Runtime

PAUSE = 0.03
"""Seconds between batches on SQLite, so that the running program gets its single write lock too."""


@click.group()
def subscribers() -> None:
    """Who receives."""


@subscribers.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--consent-basis", required=True, help="How these people agreed; kept with each of them.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and write nothing to the database.")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path),
              help="Where rows that bring nobody are written (default: beside FILE, as FILE.errors.csv).")  # fmt: skip
@click.option("--map", "maps", multiple=True, metavar="COLUMN=WHAT",
              help="What a column is: email, first_name, full_name, status, joined, confirmed, tags, zone …, a key of "
              "your fields, new:text (number, date, choice, yes_no) for a new one, or ignore.")  # fmt: skip
@click.option("--status", "statuses", multiple=True, metavar="WORD=WHAT",
              help="What a status that is not known here means: reader, pending, left, bounced or out.")  # fmt: skip
@click.option("--tag", "tags", multiple=True, help="A tag for every reader in the file.")
@click.option("--topic", "topics_named", multiple=True, metavar="NAME",
              help="A topic that new readers take, where no column says it (default: every one).")  # fmt: skip
@click.option("--known", type=click.Choice([one.value for one in ForKnown]), default=ForKnown.FILL.value,
              help="What readers get who are here already: the file's tags and its values where a field of theirs is "
              "empty (fill, the default), its values in place of theirs (overwrite), or neither (leave).")  # fmt: skip
@click.option("--headings/--no-headings", "headed", default=None,
              help="Whether the first row names the columns; without, they are “Column 1”, “Column 2” … for --map. "
              "Default: a first row with an address in it does not.")  # fmt: skip
@click.option("--sheet", default="", help="Which sheet of a workbook, if it has several.")
@click.option("--visible-rows", is_flag=True, help="Leave out the rows of a sheet that a filter hides.")
def import_command(file: Path, consent_basis: str, dry_run: bool, errors: Path | None, **more: Any) -> None:
    """Bring in the people of FILE: CSV of this program, Mailchimp, Kit, MailerLite, Substack, Ghost, listmonk,
    beehiiv, Brevo or Keila, or any with a column of addresses; or a workbook (XLSX, ODS, XLS).

    Readers become confirmed newsletter subscribers. Who had left, bounced, complained or was blocked is recorded so.
    The owner's pages list the import, and can undo it for 24 hours.
    """
    if not consent_basis.strip():
        raise click.BadParameter("should say how these people agreed", param_hint="--consent-basis")
    left_out = ErrorsFile(_errors(errors, file))
    with opened() as rt, _seekable(file) as given, ExitStack() as stack:
        try:
            raw, sheet = open_list(stack, given, file.name, more["sheet"], visible_only=more["visible_rows"])
            wanted = parse_order(rt, raw, consent_basis, sheet, **more)
        except BadFile as error:
            raise click.ClickException(str(error)) from None
        report = _run(rt, raw, file.name, wanted, dry_run, left_out)
    for line in [*how_read(report.reading), *refusals(report)]:
        click.echo(line, err=True)
    for number, word, meaning in outcome(report):
        click.echo(f"  {number:>9,} {word}: {meaning}", err=True)
    for line in changes(report):
        click.echo(f"  {line}", err=True)
    if left_out.written:
        click.echo(
            f"What brings nobody ({rows(left_out.written)}) is in {left_out.path}, each with its reason.", err=True
        )
    click.echo(f"{'Dry run, nothing was written: ' if dry_run else ''}{summary(report)}")


class _CtrlC:
    """Defers Ctrl-C until the current batch is committed, so that the report is accurate; a second one acts at once."""

    def __init__(self) -> None:
        self.report: Report | None = None
        self._asked = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._pressed)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _pressed(self, _signal: int, _frame: object) -> None:
        if self.report is None or self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def between_batches(self, report: Report) -> None:
        """Raise KeyboardInterrupt if it was pressed."""
        self.report = report
        if self._asked:
            raise KeyboardInterrupt


def _run(rt: Runtime, raw: BinaryIO, name: str, wanted: Order, dry_run: bool, left_out: ErrorsFile) -> Report:
    size = max(raw.seek(0, os.SEEK_END), 1)
    label = "Checking" if dry_run else "Importing"
    collect_rarely()
    with _CtrlC() as ctrl_c, click.progressbar(length=size, label=label, file=sys.stderr) as bar:

        def progress(report: Report, octets: int) -> None:
            ctrl_c.between_batches(report)
            bar.update(octets - bar.pos)
            if rt.database.is_sqlite and not dry_run:
                time.sleep(PAUSE)

        try:
            return import_csv(
                rt.database, raw, wanted.basis, rt.secrets, rt.clock.now(), name=name, dry_run=dry_run,
                progress=progress, errors=left_out, order=wanted, clock=rt.clock.now,
            )  # fmt: skip
        except BadFile as error:
            raise click.ClickException(str(error)) from None
        except (KeyboardInterrupt, Stopped):
            raise click.ClickException(_stopped(ctrl_c.report, dry_run)) from None


def _stopped(report: Report | None, dry_run: bool) -> str:
    if dry_run or report is None or not report.read:
        return "Stopped. Nothing was written."
    return (
        f"Stopped behind line {report.last_line}: everything up to there is in ({summary(report)}), nothing of what "
        "follows. Run the same command again to go on; nobody is doubled."
    )


@contextmanager
def _seekable(file: Path) -> Iterator[BinaryIO]:
    """The open file; a pipe is copied to a temporary file first."""
    with file.open("rb") as raw:
        if raw.seekable():
            yield raw
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(raw, copy)
            yield copy


def _errors(named: Path | None, file: Path) -> Path:
    """The path of the errors file; fails early if it cannot be written."""
    if named is None:
        beside = file.with_name(f"{file.name}.errors.csv")
        named = beside if file.is_file() and os.access(beside.parent, os.W_OK) else Path(beside.name)
    if not os.access(named.absolute().parent, os.W_OK):
        raise click.BadParameter(f"{named} cannot be written; name a file in a folder of yours", param_hint="--errors")
    return named


@subscribers.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def export(file: Path | None) -> None:
    """Write everybody as CSV to FILE, or to the terminal."""
    if file and not file.parent.is_dir():
        raise click.ClickException(f"There is no folder {file.parent}; make it first, or name another.")
    with opened() as rt, rt.database.reading() as session:
        if file is None:
            export_csv(session, sys.stdout, rt.secrets)
            return
        half = file.with_name(f"{file.name}.part")
        try:
            with half.open("w", encoding="utf-8", newline="") as out:
                export_csv(session, out, rt.secrets)
            os.replace(half, file)  # atomic
        finally:
            half.unlink(missing_ok=True)
