"""What an owner adds to the public page about readers' data

Revision ID: 0351
Revises: 0350
"""

import sqlalchemy as sa
from alembic import op

revision = "0351"
down_revision = "0350"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply. There is none at first: the page says what it said."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")  # a foreign key asks for the lock of the table that it points at
    op.create_table(
        "privacy_texts",
        sa.Column("brand_id", ID, nullable=False, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("saves", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name="fk_privacy_texts_brand_id"),
        sa.PrimaryKeyConstraint("brand_id", name="pk_privacy_texts"),
    )


def downgrade() -> None:
    """Take back: what the owner added is gone."""
    op.drop_table("privacy_texts")
