"""The ledger in the field's own words: batches, idempotency keys, sending

Only names change, so no table is rewritten; the few messages on the wire are found by their lease.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op


revision = "0013"
down_revision = "0012"
BATCH_COLUMNS = (("tally", "counts"), ("begun_to", "sending_to"), ("kept_back", "skipped"))
BATCH_INDEXES = {
    "state_id": (["state", "id"], None),
    "claim_token": (["claim_token"], None),
    "dispatch_id": (["dispatch_id"], None),
    "uncounted": (["id"], "{} IS NULL"),
}
CONSTRAINTS = (
    ("pk_lots", "pk_batches"),
    ("uq_messages_subscriber_id_occasion", "uq_messages_subscriber_id_idempotency_key"),
    ("uq_dispatches_occasion", "uq_dispatches_idempotency_key"),
)


def upgrade() -> None:
    """Apply."""
    op.rename_table("lots", "batches")
    for old, new in BATCH_COLUMNS:
        op.alter_column("batches", old, new_column_name=new)
    for table in ("messages", "dispatches"):
        op.alter_column(table, "occasion", new_column_name="idempotency_key")
    _rename_indexes("lots", "batches", "counts")
    _rename_on_postgresql(CONSTRAINTS, "batches", "fk_lots_dispatch_id", "fk_batches_dispatch_id")
    _restate("handed-over", "sending")


def downgrade() -> None:
    """Take back."""
    _restate("sending", "handed-over")
    back = tuple((new, old) for old, new in CONSTRAINTS)
    _rename_on_postgresql(back, "batches", "fk_batches_dispatch_id", "fk_lots_dispatch_id")
    for table in ("messages", "dispatches"):
        op.alter_column(table, "idempotency_key", new_column_name="occasion")
    for old, new in BATCH_COLUMNS:
        op.alter_column("batches", new, new_column_name=old)
    op.rename_table("batches", "lots")
    _rename_indexes("batches", "lots", "tally")


def _restate(old: str, new: str) -> None:
    """What is on the wire is under a lease, and the index of leases finds it."""
    op.execute(
        sa.text("UPDATE messages SET state = :new WHERE state = :old AND lease_until IS NOT NULL").bindparams(
            old=old, new=new
        )
    )


def _rename_indexes(old: str, new: str, counts: str) -> None:
    """SQLite renames no index: there they are made anew (a few hundred rows)."""
    for name, (columns, condition) in BATCH_INDEXES.items():
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"ALTER INDEX ix_{old}_{name} RENAME TO ix_{new}_{name}")
            continue
        where = condition and sa.text(condition.format(counts))
        op.drop_index(f"ix_{old}_{name}", new)
        op.create_index(f"ix_{new}_{name}", new, columns, sqlite_where=where)


def _rename_on_postgresql(indexes: tuple[tuple[str, str], ...], table: str, old_key: str, new_key: str) -> None:
    """The names of constraints and of the sequence; SQLite keeps those in a table's own text, where nobody asks."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for old, new in indexes:
        op.execute(f"ALTER INDEX {old} RENAME TO {new}")
    op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old_key} TO {new_key}")
    old_name, new_name = old_key.split("_")[1], new_key.split("_")[1]
    op.execute(f"ALTER SEQUENCE {old_name}_id_seq RENAME TO {new_name}_id_seq")
