"""Messages name their revision and their dispatch without a check for each row (docs/decisions)

Revision ID: 0003
Revises: 0002
"""

from alembic import op


revision = "0003"
down_revision = "0002"
CHECKED = {"revision_id": "revisions", "dispatch_id": "dispatches"}


def upgrade() -> None:
    """Apply. SQLite keeps its checks: they cost next to nothing there, and dropping one means copying the table."""
    if op.get_bind().dialect.name == "postgresql":
        for column in CHECKED:
            op.drop_constraint(f"fk_messages_{column}", "messages", type_="foreignkey")
        # All rows of a page are updated in one transaction: then each needs room for two versions of itself.
        op.execute("ALTER TABLE messages SET (fillfactor = 40)")


def downgrade() -> None:
    """Take back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE messages SET (fillfactor = 70)")
        for column, parent in CHECKED.items():
            op.create_foreign_key(f"fk_messages_{column}", "messages", parent, [column], ["id"])
