"""The `fast-forward` command."""

import re
import time
from datetime import timedelta

import click
from sqlalchemy import func, select

from newsletter.cli.opened import opened
from newsletter.clock import MovableClock, SharedClock
from newsletter.mail.ledger import Message, State
from newsletter.runtime import Runtime

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@click.command("fast-forward")
@click.argument("span")
def fast_forward(span: str) -> None:
    """Move the product's clock on by SPAN (30m, 12h, 3d, 2w), to see days pass. Only on this machine."""
    match = re.fullmatch(r"(\d{1,5})([mhdw])", span.strip())
    if not match:
        raise click.BadParameter("should read like 30m, 12h, 3d or 2w", param_hint="SPAN")
    with opened() as rt:
        clock = rt.clock.machine if isinstance(rt.clock, SharedClock) else rt.clock
        if not isinstance(clock, MovableClock):
            raise click.ClickException(
                f"Refused: {rt.settings.site} is not on this machine alone, and real subscribers live in real time."
            )
        _wait_until_quiet(rt)
        clock.forward(timedelta(**{UNITS[match[2]]: int(match[1])}))
        click.echo(f"It is now {rt.clock.now():%A %d %B %Y %H:%M} UTC for the product.")


def _wait_until_quiet(rt: Runtime) -> None:
    """Wait up to 10 s until no message is in flight: leases use this clock, and a jump would expire them."""
    for _ in range(100):
        with rt.database.reading() as session:
            busy = session.scalar(select(func.count()).where(Message.state.in_((State.CLAIMED, State.SENDING))))
        if not busy:
            return
        time.sleep(0.1)
