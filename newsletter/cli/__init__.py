"""The `newsletter` command line. Commands are safe to run beside the running program; `restore` refuses to."""

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
"""Module and function of each command. Imported on demand, because importing all takes seconds."""


class _Commands(click.Group):
    """A group that imports its commands on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The command names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None if unknown."""
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
    """Run a command; bad settings and environmental failures give one line instead of a traceback."""
    os.umask(0o077)  # addresses, links and logs must be readable by our own user only
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
    """The first line of a database or system error; "" for our own bugs."""
    database = sys.modules.get("sqlalchemy.exc")  # without importing it for commands that do not use it
    is_database = database is not None and isinstance(error, database.OperationalError)
    if not is_database and not isinstance(error, OSError):
        return ""
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()
    return reason[0] if reason else type(error).__name__
