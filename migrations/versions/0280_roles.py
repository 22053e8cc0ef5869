"""What each of the team may do

Revision ID: 0280
Revises: 0262
"""

import sqlalchemy as sa
from alembic import op

revision = "0280"
down_revision = "0262"
MOMENT = sa.DateTime(timezone=True)
CHECK = "CONSTRAINT ck_owners_role CHECK (role IN ('owner', 'editor', 'writer', 'viewer'))"


def upgrade() -> None:
    """Apply. Who could sign in is an owner: that is what everybody was."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    # With its check in one statement: SQLite adds none to a column that is there.
    op.execute(f"ALTER TABLE owners ADD COLUMN role VARCHAR(16) DEFAULT 'owner' NOT NULL {CHECK}")
    op.add_column("owners", sa.Column("signed_in_at", MOMENT, nullable=True))
    op.add_column("owners", sa.Column("removed_at", MOMENT, nullable=True))
    op.execute("UPDATE owners SET signed_in_at = (SELECT max(created_at) FROM sessions WHERE owner_id = owners.id)")
    op.execute("UPDATE owners SET removed_at = created_at WHERE password_hash = ''")  # of an earlier taking back


def downgrade() -> None:
    """Take back. Earlier versions know owners only, and would make one of everybody who gets a new password by mail. So
    nobody else keeps a password, or an address that mail reaches: whoever is to come back is made anew."""
    others = "role <> 'owner' OR removed_at IS NOT NULL"
    for table in ("sessions", "password_resets", "recovery_codes"):
        op.execute(f"DELETE FROM {table} WHERE owner_id IN (SELECT id FROM owners WHERE {others})")
    op.execute(
        "UPDATE owners SET password_hash = '', totp_secret = NULL, "
        f"email = substr(email, 1, 230) || '.' || id || '.invalid' WHERE {others}"
    )
    for name in ("removed_at", "signed_in_at", "role"):
        op.drop_column("owners", name)
