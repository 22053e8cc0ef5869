"""The `mailbox` command, which runs the local mailbox."""

import click

from newsletter.clock import MovableClock
from newsletter.log import configure
from newsletter.mailbox import serve
from newsletter.settings import load


@click.command(hidden=True)
def mailbox() -> None:
    """Run the local mailbox alone."""
    configure()
    settings = load()
    serve(settings, MovableClock(settings.data_dir / "clock"))
