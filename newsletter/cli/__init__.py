"""The `newsletter` command. Every command works beside a running product."""

import sys

import click

from newsletter.cli import bench, campaign, house, limit, owner, processes, subscribers
from newsletter.settings import SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("0.1.0")
def cli() -> None:
    """E-mail newsletter and lead-magnet service. Settings come from the environment and `.env`."""


for command in (
    *processes.commands,
    *house.commands,
    owner.owner,
    subscribers.subscribers,
    campaign.campaign,
    limit.limit,
    bench.bench,
):
    cli.add_command(command)


def main() -> None:
    """Run a command; a bad setting is told in one line, without a traceback."""
    try:
        cli(prog_name="newsletter")
    except SettingsError as error:
        click.echo(f"Bad setting: {error}", err=True)
        sys.exit(2)
