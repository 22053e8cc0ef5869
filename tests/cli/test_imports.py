"""What each command imports: a command that is typed while a person waits has no time for what it does not use."""

import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.cli import COMMANDS, cli
from newsletter.settings import ROOT

DATABASE = {"sqlalchemy", "alembic", "psycopg"}
DOORS = {"flask", "celery", "kombu", "redis", "granian", "werkzeug"}


def _imported(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys; print(*sys.modules)"],
        cwd=ROOT, env={}, text=True, capture_output=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


def test_the_command_imports_no_part_before_it_knows_which() -> None:
    ours = {name for name in _imported("import newsletter.cli") if name.startswith("newsletter.")}
    assert ours == {"newsletter.cli", "newsletter.settings", "newsletter.mail_settings", "newsletter.networks",
                    "newsletter.spamd"}  # fmt: skip


def test_the_supervisor_holds_nothing_of_what_it_starts() -> None:
    assert not _imported("import newsletter.cli.up") & (DATABASE | DOORS | {"newsletter.runtime", "newsletter.db"})


@pytest.mark.parametrize("command", ["campaign", "limit", "subscribers", "house"])
def test_a_command_beside_the_product_imports_no_server_of_it(command: str) -> None:
    assert not _imported(f"import newsletter.cli.{command}") & (DOORS | {"alembic"})


def test_every_command_is_where_it_is_said_to_be() -> None:
    for name in COMMANDS:
        found = cli.get_command(None, name)  # type: ignore[arg-type]
        assert found is not None and found.name == name
    assert cli.get_command(None, "no-such") is None  # type: ignore[arg-type]


def test_programs_that_are_forked_import_little_more_than_what_is_there(tmp_path: Path) -> None:
    preloaded = _imported("import newsletter.preloaded")
    own = "import worker, newsletter.app; newsletter.app.create_front(); worker.celery.finalize()"
    more = _imported(f"import newsletter.preloaded, os; os.environ['DATA_DIR'] = {str(tmp_path)!r}; {own}") - preloaded
    assert len(more) < 30, sorted(more)
