"""A/B tests of campaigns

Revision ID: 0120
Revises: 0150
"""

import sqlalchemy as sa
from alembic import op

revision = "0120"
down_revision = "0150"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAITS = "'hand', 'close', 'uncounted', 'ended', 'unfit', 'let-be'"
PARTS, WHOLE = ("part VARCHAR(16)", "lot BIGINT", "share INTEGER"), ("part", "lot", "share")


def upgrade() -> None:
    """Apply. As a column's own reference SQLite adds one without copying the table."""
    for column in PARTS:
        op.execute(sa.text(f"ALTER TABLE campaigns ADD COLUMN {column}"))
    number = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        sa.text(
            f"ALTER TABLE campaigns ADD COLUMN settled_revision_id {number} "
            "CONSTRAINT fk_campaigns_settled_revision_id REFERENCES revisions (id)"
        )
    )
    code = sa.String(16)
    op.create_table(
        "ab_tests",
        sa.Column("id", ID, primary_key=True),
        sa.Column("a_id", ID, nullable=False),
        sa.Column("b_id", ID, nullable=False),
        sa.Column("rest_id", ID),
        sa.Column("compares", code, nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("preheader", sa.String(200), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("lot", sa.BigInteger(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("judge", code, nullable=False),
        sa.Column("if_close", code, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.Column("waits", code),
        sa.Column("winner", code),
        sa.Column("decided", code),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("stopped_at", sa.DateTime(timezone=True)),
        sa.Column("a_sent", sa.Integer()),
        sa.Column("a_clicked", sa.Integer()),
        sa.Column("b_sent", sa.Integer()),
        sa.Column("b_clicked", sa.Integer()),
        sa.ForeignKeyConstraint(["a_id"], ["campaigns.id"], name="fk_ab_tests_a_id"),
        sa.ForeignKeyConstraint(["b_id"], ["campaigns.id"], name="fk_ab_tests_b_id"),
        sa.ForeignKeyConstraint(["rest_id"], ["campaigns.id"], name="fk_ab_tests_rest_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ab_tests"),
        sa.UniqueConstraint("a_id", name="uq_ab_tests_a_id"),
        sa.UniqueConstraint("b_id", name="uq_ab_tests_b_id"),
        sa.UniqueConstraint("rest_id", name="uq_ab_tests_rest_id"),
        sa.CheckConstraint("compares IN ('subject', 'article')", name="ck_ab_tests_compares"),
        sa.CheckConstraint("judge IN ('clicks', 'hand')", name="ck_ab_tests_judge"),
        sa.CheckConstraint("if_close IN ('a', 'wait')", name="ck_ab_tests_if_close"),
        sa.CheckConstraint(f"waits IS NULL OR waits IN ({WAITS})", name="ck_ab_tests_waits"),
        sa.CheckConstraint("decided IS NULL OR decided IN ('clicks', 'hand', 'if-close')", name="ck_ab_tests_decided"),
        sa.CheckConstraint("winner IS NULL OR winner IN ('a', 'b')", name="ck_ab_tests_winner"),
        sa.CheckConstraint("(winner IS NULL) = (decided IS NULL)", name="ck_ab_tests_decided_somehow"),
        sa.CheckConstraint("share BETWEEN 2 AND 90", name="ck_ab_tests_share"),
        sa.CheckConstraint("hours BETWEEN 1 AND 336", name="ck_ab_tests_hours"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take back. An older version knows no parts: it would send A, B and the rest to everybody. So what has not all been
    written down is called off."""
    tested = "part IS NOT NULL AND (state IN ('draft', 'scheduled') OR (state = 'sending' AND dispatch_id IN (SELECT id FROM dispatches WHERE filled_at IS NULL)))"
    op.execute(sa.text(f"UPDATE dispatches SET hold = 'cancelled' WHERE id IN (SELECT dispatch_id FROM campaigns WHERE {tested})"))
    op.execute(sa.text(f"UPDATE campaigns SET state = 'cancelled' WHERE {tested}"))
    op.drop_table("ab_tests")
    for column in ("settled_revision_id", *reversed(WHOLE)):
        op.drop_column("campaigns", column)
