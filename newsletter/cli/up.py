"""The `up` command, which runs the whole program."""

import importlib

import click
from setproctitle import setproctitle

from newsletter.settings import load
from newsletter.supervisor import StartError, programs
from newsletter.supervisor.sealed import Sealed
from newsletter.supervisor.up import supervise, up


@click.command("up")
@click.option("--new-key", is_flag=True, help="Go on with another SECRET_KEY: links in mails sent before stop working.")
def up_command(new_key: bool) -> None:
    """Start the whole product: Redis, web, workers, beat and the local mailbox."""
    settings = load()
    try:
        if sealed := Sealed.found():
            setproctitle("newsletter: supervisor")  # first: the title overwrites the memory of the environment
            importlib.import_module("newsletter.preloaded").freeze()
            supervise(settings, sealed, click.echo, new_key)
        else:
            programs.check_relays(settings)
            up(settings, click.echo, new_key)
    except StartError as error:
        raise click.ClickException(str(error)) from None
