"""Forms that ask for fields of the owner's, and what is typed into them until its press

Revision ID: 0028
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0031"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.add_column("forms", sa.Column("asks_fields", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "typed_values",
        sa.Column("consent_id", ID, nullable=False),
        sa.Column("field_id", ID, nullable=False),
        sa.Column("value", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_id"], ["consents.id"], name="fk_typed_values_consent_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["field_id"], ["fields.id"], name="fk_typed_values_field_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("consent_id", "field_id", name="pk_typed_values"),
    )
    op.create_index("ix_typed_values_field_id", "typed_values", ["field_id"])
    _collate("C")


def downgrade() -> None:
    """Take back. What waits for its press is not taken over."""
    _collate("default")
    op.drop_table("typed_values")
    op.drop_column("forms", "asks_fields")


def _collate(collation: str) -> None:
    """By code points on PostgreSQL, as on SQLite: then an index finds a beginning, too."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f'ALTER TABLE field_values ALTER COLUMN folded TYPE VARCHAR(200) COLLATE "{collation}"')
