"""Alembic's environment: the connection comes from `newsletter.schema`, or from the settings for `alembic` by hand."""

from alembic import context

from newsletter.db import Database, UtcDateTime
from newsletter.schema import metadata
from newsletter.settings import load


def plain(kind, item, autogen_context):  # type: ignore[no-untyped-def]
    """Migrations name no class of ours: they must run when that class has moved."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def migrate(connection) -> None:  # type: ignore[no-untyped-def]
    """Run the migrations on an open connection."""
    batch = connection.dialect.name == "sqlite"
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=batch, render_item=plain)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with Database(load().database).engine.begin() as connection:
        migrate(connection)
