"""The `newsletter` command. Every command works beside a running product."""

import importlib
import os
import sys

import click

from newsletter.settings import SettingsError

COMMANDS = {
    "backup": "backup.backup_command",
    "bench": "bench.bench",
    "campaign": "campaign.campaign",
    "dkim": "dkim.dkim",
    "doctor": "doctor.doctor",
    "examples": "examples.examples",
    "fast-forward": "house.fast_forward",
    "limit": "limit.limit",
    "mailbox": "mailbox.mailbox",
    "migrate": "processes.migrate",
    "owner": "owner.owner",
    "prepare": "processes.prepare_command",
    "restore": "backup.restore_command",
    "subscribers": "subscribers.subscribers",
    "up": "up.up_command",
    "web": "processes.web",
    "worker": "processes.worker",
}
"""Where each stands in this package. Only the one that is asked for is imported: all of them take seconds."""


class _Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(".")
        command = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("0.1.0")
def cli() -> None:
    """E-mail newsletter and lead-magnet service. Settings come from the environment and `.env`."""


def main() -> None:
    """Run a command; a bad setting is told in one line, without a traceback."""
    os.umask(0o077)  # addresses, links and logs are for the product's own user alone
    try:
        cli(prog_name="newsletter")
    except SettingsError as error:
        click.echo(f"Bad setting: {error}", err=True)
        sys.exit(2)
    except Exception as error:
        if not (told := _trouble(error)):
            raise
        click.echo(f"Not possible just now: {told}. What was finished before is kept; nothing is half done.", err=True)
        sys.exit(1)


def _trouble(error: Exception) -> str:
    """What the database or the system says it cannot do; empty: it is a fault of ours."""
    database = sys.modules.get("sqlalchemy.exc")  # a command that has not imported it does not meet its errors
    is_database = database is not None and isinstance(error, database.OperationalError)
    if not is_database and not isinstance(error, OSError):
        return ""
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()
    return reason[0] if reason else type(error).__name__
