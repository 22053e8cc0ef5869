"""Migrates the database to this version's schema (Alembic)."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

# Every table must be imported before the metadata is compared or created.
from newsletter import (  # noqa: F401
    accounts,
    approval,
    articles,
    brand,
    bulk_actions,
    campaigns,
    clicks,
    continuation,
    drafts,
    events,
    feedback,
    feeds,
    forms,
    guides,
    imports,
    installation,
    link_checks,
    media,
    resend,
    sending,
    sequences,
    subscribers,
    topics,
    wordings,
)
from newsletter.db import Base, Database
from newsletter.mail import alarms, ledger  # noqa: F401
from newsletter.settings import ROOT
from newsletter.throttle import rules  # noqa: F401

metadata = Base.metadata
OVERWRITES = "0007"
"""Before this migration SQLite left deleted data in the file."""
LOCK_TIMEOUT = "55P03"
"""PostgreSQL's error code for a lock timeout."""


class TablesHeld(Exception):
    """A migration could not lock its tables in time; nothing has changed."""


def upgrade(database: Database) -> None:
    """Apply every missing migration. Safe beside another process doing the same. Raises TablesHeld."""
    try:
        _upgrade(database)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_TIMEOUT:
            raise TablesHeld from error
        raise


def _upgrade(database: Database) -> None:
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            # Of two starters, the second waits here and then finds nothing to do. The number is arbitrary.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7217551)")
        before = MigrationContext.configure(connection).get_current_revision()
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    if before and before < OVERWRITES:
        database.rewrite()


def knows(name: str) -> bool:
    """Whether this version has that migration, and so can migrate a database at it."""
    return any(script.revision == name for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    return config
