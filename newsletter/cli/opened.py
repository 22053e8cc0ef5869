"""A Runtime for one command."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from newsletter import backup, schema
from newsletter.runtime import Runtime, build
from newsletter.settings import load


@contextmanager
def opened(check: bool = True) -> Iterator[Runtime]:
    """The product's Runtime; `check`: stop with a clear line when the database has not been migrated."""
    settings = load()
    backup.finish(settings)  # a restore that was killed is finished before anything looks at its data
    rt = build(settings)
    try:
        if check and not schema.is_current(rt.database):
            raise click.ClickException(
                "The database is not up to date: run `newsletter migrate` (or `make run`) first."
            )
        yield rt
    finally:
        rt.close()
