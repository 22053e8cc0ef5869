"""A row without a reason is checked by that alone

Revision ID: 0071
Revises: 0060
"""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0060"
TABLES = ("messages", "attempts", "enrollments")
CODES = (
    "lost", "lost-unwanted", "unbuildable", "unfit", "not-eligible", "campaign-ended", "series-off", "series-stopped",
    "stopped-by-owner", "series-ended", "let-be", "confirmed", "left", "newsletter-left", "refused", "bounced",
    "complained", "mailbox-limit", "domain-limit", "nothing-open", "suppressed",
)  # fmt: skip
LISTED = f"checked_reason IN ({', '.join(repr(code) for code in CODES)})"


def upgrade() -> None:
    """Apply."""
    _check(f"checked_reason IS NULL OR {LISTED}")


def downgrade() -> None:
    """Take back."""
    _check(LISTED)


def _check(rule: str) -> None:
    """Move the reasons into a column with this rule: SQLite changes no rule of a column that it has."""
    for table in TABLES:
        name = f"ck_{table}_reason"
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {table} ADD COLUMN checked_reason VARCHAR(16) CONSTRAINT {name} CHECK ({rule})")
        op.execute(sa.text(f"UPDATE {table} SET checked_reason = reason WHERE reason IS NOT NULL"))
        op.drop_column(table, "reason")
        op.execute(f"ALTER TABLE {table} RENAME COLUMN checked_reason TO reason")
