"""Migration 0330: each check is called as its model calls it, so the next migration finds it by that name."""

from sqlalchemy import CheckConstraint, inspect

from newsletter import schema
from newsletter.db import Base, Database
from tests.test_migrations import back_to


def _there(database: Database) -> dict[str, set[str | None]]:
    seen = inspect(database.engine)
    tables = Base.metadata.tables.keys() & set(seen.get_table_names())  # some are younger than what is gone back to
    return {table: {one["name"] for one in seen.get_check_constraints(table)} for table in tables}


def test_checks_are_called_as_their_models_call_them(database: Database) -> None:
    known = {
        name: {str(one.name) for one in table.constraints if isinstance(one, CheckConstraint)}
        for name, table in Base.metadata.tables.items()
    }
    assert _there(database) == known
    back_to("0322", database)
    assert "ck_feeds_ck_feeds_rhythm" in _there(database)["feeds"]
    schema.upgrade(database)
    assert _there(database) == known
