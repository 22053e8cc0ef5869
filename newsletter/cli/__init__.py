"""The `newsletter` command. Every command works beside a running product."""

import os
import sys

import click
from sqlalchemy.exc import OperationalError

from newsletter.cli import backup, bench, campaign, dkim, doctor, house, limit, owner, processes, subscribers
from newsletter.settings import SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("0.1.0")
def cli() -> None:
    """E-mail newsletter and lead-magnet service. Settings come from the environment and `.env`."""


for command in (
    *processes.commands,
    *house.commands,
    *backup.commands,
    doctor.doctor,
    owner.owner,
    subscribers.subscribers,
    campaign.campaign,
    dkim.dkim,
    bench.bench,
    limit.limit,
):
    cli.add_command(command)


def main() -> None:
    """Run a command; a bad setting is told in one line, without a traceback."""
    os.umask(0o077)  # addresses, links and logs are for the product's own user alone
    try:
        cli(prog_name="newsletter")
    except SettingsError as error:
        click.echo(f"Bad setting: {error}", err=True)
        sys.exit(2)
    except (OperationalError, OSError) as error:
        reason = str(error.orig if isinstance(error, OperationalError) else error).strip().splitlines()
        told = reason[0] if reason else type(error).__name__
        click.echo(f"Not possible just now: {told}. What was finished before is kept; nothing is half done.", err=True)
        sys.exit(1)
