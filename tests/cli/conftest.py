"""The command line, on a house of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli import cli
from newsletter.db import Database

Command = Callable[..., Result]


@pytest.fixture
def command(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command: command("campaign", "status", "7"). `input` is typed."""
    for name, value in {"DATABASE_URL": database_url, "DATA_DIR": str(tmp_path), "SECRET_KEY": "k" * 40}.items():
        monkeypatch.setenv(name, value)
    return lambda *words, input=None: CliRunner().invoke(cli, words, input=input)


@pytest.fixture
def house(database_url: str) -> Iterator[Database]:
    """The database that the commands work on."""
    opened = Database(database_url)
    yield opened
    opened.dispose()
