"""An owner's own words in the mails that the product sends by itself

Revision ID: 0350
Revises: 0340
"""

import sqlalchemy as sa
from alembic import op

revision = "0350"
down_revision = "0340"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply. There are none at first: mails say what they said."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")  # a foreign key asks for the lock of the table that it points at
    op.create_table(
        "mail_texts",
        sa.Column("brand_id", ID, nullable=False, autoincrement=False),
        sa.Column("mail", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("opening", sa.Text(), nullable=False),
        sa.Column("closing", sa.Text(), nullable=False),
        sa.Column("saves", sa.Integer(), nullable=False),
        sa.CheckConstraint("mail IN ('confirm', 'reminder', 'guide', 'goodbye', 'prove')", name="mail"),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name="fk_mail_texts_brand_id"),
        sa.PrimaryKeyConstraint("brand_id", "mail", name="pk_mail_texts"),
    )


def downgrade() -> None:
    """Take back: the owner's words are gone, and mails say ours."""
    op.drop_table("mail_texts")
