"""An enrollment has a status, and a reason that is one of the codes

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
CODES = (
    "lost", "lost-unwanted", "unbuildable", "unfit", "not-eligible", "campaign-ended", "series-off", "series-stopped",
    "stopped-by-owner", "series-ended", "let-be", "confirmed", "left", "newsletter-left", "refused", "bounced",
    "complained", "mailbox-limit", "domain-limit", "nothing-open", "suppressed",
)  # fmt: skip
QUOTED = ", ".join(f"'{code}'" for code in CODES)


def upgrade() -> None:
    """Apply. What was no code ended a series by a press that its event tells; it is left out."""
    op.execute("ALTER TABLE enrollments RENAME COLUMN course TO status")
    op.execute(
        "ALTER TABLE enrollments ADD COLUMN ended_by VARCHAR(16) "
        f"CONSTRAINT ck_enrollments_reason CHECK (ended_by IN ({QUOTED}))"
    )
    op.execute(sa.text(f"UPDATE enrollments SET ended_by = reason WHERE reason IN ({QUOTED})"))
    op.drop_column("enrollments", "reason")
    op.execute("ALTER TABLE enrollments RENAME COLUMN ended_by TO reason")


def downgrade() -> None:
    """Take back."""
    op.execute("ALTER TABLE enrollments RENAME COLUMN reason TO ended_by")
    op.execute("ALTER TABLE enrollments ADD COLUMN reason VARCHAR(120) NOT NULL DEFAULT ''")
    op.execute(sa.text("UPDATE enrollments SET reason = ended_by WHERE ended_by IS NOT NULL"))
    op.drop_column("enrollments", "ended_by")
    op.execute("ALTER TABLE enrollments RENAME COLUMN status TO course")
