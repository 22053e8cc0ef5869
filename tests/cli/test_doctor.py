"""What the doctor says where the database is not ready: what comes first, and not the database's own words."""

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli.doctor import IN_THE_DATABASE, doctor


@pytest.mark.parametrize(
    ("had", "told"),
    [
        ("", "holds nothing yet; start the product with `make run`, or run `newsletter migrate`"),
        ("0001", "not up to date; run `newsletter migrate`"),
    ],
)
def test_a_database_that_is_not_ready_comes_first(
    had: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"DATA_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0", "PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    if had:
        with sqlite3.connect(tmp_path / "newsletter.sqlite3") as connection:
            connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
            connection.execute("INSERT INTO alembic_version VALUES (?)", (had,))
    said = CliRunner().invoke(doctor)
    lines = said.output.splitlines()
    assert said.exit_code == 1
    assert lines[0] == f"FAIL  database: {told}"
    not_looked_at = [f"-     {name}: not looked at; the database comes first" for name in IN_THE_DATABASE]
    assert [line for line in lines if line.startswith("-")] == not_looked_at
    assert "no such table" not in said.output
