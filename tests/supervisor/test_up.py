"""What a start prepares, and what it refuses."""

from pathlib import Path

import pytest

from newsletter import brand
from newsletter.db import Database
from newsletter.settings import Settings, load
from newsletter.supervisor import StartError
from newsletter.supervisor.up import prepare


def _settings(folder: Path, url: str, key: str) -> Settings:
    return load({"DATA_DIR": str(folder), "DATABASE_URL": url, "SECRET_KEY": key * 40})


def test_another_key_is_refused_until_somebody_says_that_it_is_meant(tmp_path: Path, database_url: str) -> None:
    first, second = _settings(tmp_path, database_url, "a"), _settings(tmp_path, database_url, "b")
    prepare(first)
    prepare(first)
    with pytest.raises(StartError, match="Put the old key back"):
        prepare(second)
    prepare(second, new_key=True)
    prepare(second)
    with pytest.raises(StartError):
        prepare(first)


def test_the_print_does_not_tell_the_key(tmp_path: Path, database: Database, database_url: str) -> None:
    settings = _settings(tmp_path, database_url, "a")
    prepare(settings)
    with database.reading() as session:
        told = brand.current(session).key_print
    assert len(told) == 32
    assert "a" * 8 not in told
