"""Opens a Runtime for one command."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

import click

from newsletter import installation, versions
from newsletter.runtime import Runtime, build
from newsletter.settings import Settings, load


@contextmanager
def opened(check: bool = True) -> Iterator[Runtime]:
    """Build a Runtime and close it afterwards. `check`: fail with advice unless the database is migrated."""
    settings = load()
    _finish_restore(settings)
    rt = build(settings)
    try:
        if check and not versions.is_current(rt.database):
            raise click.ClickException(
                "The database is not up to date: run `newsletter migrate` (or `make run`) first."
            )
        yield rt
    finally:
        rt.close()


def _finish_restore(settings: Settings) -> None:
    """Complete an interrupted restore before anything reads the data. Imports `backup` only then: that takes a
    second."""
    if installation.restore_plan(settings.data_dir).exists():
        importlib.import_module("newsletter.backup").finish(settings)
