"""Which migration a database has had."""

from alembic.config import Config
from alembic.script import ScriptDirectory

from newsletter import schema, versions
from newsletter.db import Database
from newsletter.settings import ROOT


def test_the_newest_is_the_one_that_alembic_would_end_at() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert versions.newest() == ScriptDirectory.from_config(config).get_current_head()


def test_migrating_again_changes_nothing(database: Database) -> None:
    assert versions.is_current(database)
    schema.upgrade(database)
    assert versions.is_current(database)


def test_an_empty_database_is_not_current() -> None:
    assert versions.version(Database("sqlite://")) is None
    assert not versions.is_current(Database("sqlite://"))
