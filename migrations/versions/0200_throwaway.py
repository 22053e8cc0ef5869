"""Throw-away mail domains: whether they are refused, and the owner's list of them

Revision ID: 0200
Revises: 0190
"""

import sqlalchemy as sa
from alembic import op

revision = "0200"
down_revision = "0190"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply. They are refused by our list from now on, at sign-up only: nobody who is there is touched."""
    op.add_column("brand", sa.Column("refuses_throwaway", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_table(
        "throwaway_lists",
        sa.Column("brand_id", ID, nullable=False, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name="fk_throwaway_lists_brand_id"),
        sa.PrimaryKeyConstraint("brand_id", name="pk_throwaway_lists"),
    )
    op.add_column("brand", sa.Column("throwaway_print", sa.String(length=16), nullable=False, server_default=""))


def downgrade() -> None:
    """Take back. Earlier versions take every domain; the owner's list is gone."""
    for column in ("throwaway_print", "refuses_throwaway"):
        op.drop_column("brand", column)
    op.drop_table("throwaway_lists")
