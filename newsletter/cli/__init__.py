"""The `newsletter` command. Every command works beside a running product."""

import os
import sys

import click

from newsletter.cli import bench, campaign, dkim, doctor, house, limit, owner, processes, subscribers
from newsletter.settings import SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("0.1.0")
def cli() -> None:
    """E-mail newsletter and lead-magnet service. Settings come from the environment and `.env`."""


for command in (
    *processes.commands,
    *house.commands,
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
