"""The theme of mails, the layout that was compiled for it, and pictures that were its logo

Revision ID: 0300
Revises: 0295
"""

import sqlalchemy as sa
from alembic import op

revision = "0300"
down_revision = "0295"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CODES = {
    "font": "'mixed', 'system', 'helvetica', 'verdana', 'georgia', 'times'",
    "corners": "'square', 'slight', 'round'",
    "button": "'filled', 'outline'",
}


def upgrade() -> None:
    """Apply. There is no theme at first: mails look as they did."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")  # a foreign key asks for the lock of the table that it points at
    op.create_table(
        "themes",
        sa.Column("brand_id", ID, nullable=False, autoincrement=False),
        sa.Column("accent", sa.String(length=7), nullable=False),
        sa.Column("ground", sa.String(length=7), nullable=False),
        *(sa.Column(name, sa.String(length=16), nullable=False) for name in CODES),
        sa.Column("guide_colours", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("logo", sa.String(length=64), nullable=False),
        sa.Column("logo_words", sa.String(length=120), nullable=False),
        sa.Column("logo_width", sa.Integer(), nullable=False),
        sa.Column("footer", sa.String(length=500), nullable=False),
        sa.Column("saves", sa.Integer(), nullable=False),
        sa.Column("frame", sa.Text(), nullable=False),
        sa.Column("frame_key", sa.String(length=64), nullable=False),
        *(sa.CheckConstraint(f"{name} IN ({codes})", name=name) for name, codes in CODES.items()),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name="fk_themes_brand_id"),
        sa.PrimaryKeyConstraint("brand_id", name="pk_themes"),
    )
    op.add_column("pictures", sa.Column("was_logo", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back: the theme is gone, and mails look as they did at first."""
    op.drop_column("pictures", "was_logo")
    op.drop_table("themes")
