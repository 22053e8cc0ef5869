"""Messages name their parents without a check for each row; pages with room for outcomes (docs/decisions)

Revision ID: 0003
Revises: 0002
"""

from alembic import op


revision = "0003"
down_revision = "0002"
CHECKED = {"revision_id": "revisions", "dispatch_id": "dispatches"}
# What the foreign key's ON DELETE CASCADE did. The lock is the one that `outbox.fill` holds, shared, while it writes
# recipients: a person who is erased meanwhile waits for that chunk, and their message in it goes too.
FOLLOW = """
CREATE FUNCTION messages_follow_their_subscriber() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7309);
    DELETE FROM messages WHERE subscriber_id = OLD.id;
    RETURN OLD;
END $$
"""
TRIGGER = """
CREATE TRIGGER messages_follow BEFORE DELETE ON subscribers
FOR EACH ROW EXECUTE FUNCTION messages_follow_their_subscriber()
"""


def upgrade() -> None:
    """Apply. SQLite keeps its checks: they cost next to nothing there, and dropping one means copying the table."""
    if op.get_bind().dialect.name == "postgresql":
        for column in ("subscriber_id", *CHECKED):
            op.drop_constraint(f"fk_messages_{column}", "messages", type_="foreignkey")
        op.execute(FOLLOW)
        op.execute(TRIGGER)
        # All rows of a page are updated in one transaction: then each needs room for two versions of itself.
        op.execute("ALTER TABLE messages SET (fillfactor = 40)")


def downgrade() -> None:
    """Take back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE messages SET (fillfactor = 70)")
        op.execute("DROP TRIGGER messages_follow ON subscribers")
        op.execute("DROP FUNCTION messages_follow_their_subscriber()")
        for column, parent in CHECKED.items():
            op.create_foreign_key(f"fk_messages_{column}", "messages", parent, [column], ["id"])
        op.create_foreign_key(
            "fk_messages_subscriber_id", "messages", "subscribers", ["subscriber_id"], ["id"], ondelete="CASCADE"
        )
