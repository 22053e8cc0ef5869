"""Which migration a database has had, and which is the newest.

Every command asks, so it is asked without Alembic and without every record of the house: importing them takes a second.
"""

import re

from sqlalchemy import inspect, text

from newsletter.db import Database
from newsletter.settings import ROOT

_REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
_DOWN_REVISION = re.compile(r'^down_revision = "(\w+)"$', re.MULTILINE)


def newest() -> str:
    """The newest migration of this version: the one that no other stands behind."""
    text = "\n".join(file.read_text() for file in (ROOT / "migrations" / "versions").glob("*.py"))
    (newest,) = {*_REVISION.findall(text)} - {*_DOWN_REVISION.findall(text)}
    return str(newest)


def version(database: Database) -> str | None:
    """The newest migration that the database has had; None: it is empty."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def is_current(database: Database) -> bool:
    """Whether the database is at the newest migration."""
    return version(database) == newest()
