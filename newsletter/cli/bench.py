"""The `bench` command, the same as `python bench/run.py`."""

import os
import sys

import click

from newsletter.settings import ROOT

SCRIPT = ROOT / "bench" / "run.py"


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def bench(words: tuple[str, ...]) -> None:
    """Measure the whole product beside Postfix's smtp-source (--help: what can be chosen)."""
    if not SCRIPT.exists():
        raise click.ClickException("The benchmark is part of the checkout; this installation has none.")
    os.execv(sys.executable, [sys.executable, str(SCRIPT), *words])  # noqa: S606 - our own script
