"""The owner's own fields, and what they hold of each reader

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = ("text", "number", "date", "choice", "yes_no")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "fields",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="fieldkind", native_enum=False, length=16), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("fallback", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('text', 'number', 'date', 'choice', 'yes_no')", name="ck_fields_kind"),
        sa.PrimaryKeyConstraint("id", name="pk_fields"),
        sa.UniqueConstraint("key", name="uq_fields_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "field_values",
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("field_id", ID, nullable=False),
        sa.Column("value", sa.String(length=500), nullable=False),
        sa.Column("folded", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_field_values_subscriber_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["field_id"], ["fields.id"], name="fk_field_values_field_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("subscriber_id", "field_id", name="pk_field_values"),
    )
    op.create_index("ix_field_values_field_id_folded", "field_values", ["field_id", "folded"])
    op.create_index("ix_field_values_field_id_number", "field_values", ["field_id", "number"])


def downgrade() -> None:
    """Take back. What the fields hold goes with them."""
    op.drop_table("field_values")
    op.drop_table("fields")
