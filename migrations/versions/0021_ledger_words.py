"""The ledger and the throttle in the field's own words: batches, idempotency keys, sending, throttle rules

Only names change, so no table is rewritten; the few messages on the wire are found by their lease.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op


revision = "0021"
down_revision = "0020"
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
    ("pk_limits", "pk_throttle_rules"),
    ("uq_limits_scope_name_seconds", "uq_throttle_rules_scope_name_seconds"),
)


def upgrade() -> None:
    """Apply."""
    op.rename_table("lots", "batches")
    op.rename_table("limits", "throttle_rules")
    for old, new in BATCH_COLUMNS:
        op.alter_column("batches", old, new_column_name=new)
    for table in ("messages", "dispatches"):
        op.alter_column(table, "occasion", new_column_name="idempotency_key")
    _rename_indexes("lots", "batches", "counts")
    _rename_on_postgresql(*CONSTRAINTS)
    _rename_sequences(("lots", "batches"), ("limits", "throttle_rules"))
    _restate("handed-over", "sending")


def downgrade() -> None:
    """Take back."""
    _restate("sending", "handed-over")
    _rename_sequences(("batches", "lots"), ("throttle_rules", "limits"))
    _rename_on_postgresql(*((new, old) for old, new in CONSTRAINTS))
    for table in ("messages", "dispatches"):
        op.alter_column(table, "idempotency_key", new_column_name="occasion")
    for old, new in BATCH_COLUMNS:
        op.alter_column("batches", new, new_column_name=old)
    op.rename_table("batches", "lots")
    op.rename_table("throttle_rules", "limits")
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


def _rename_on_postgresql(*names: tuple[str, str]) -> None:
    """The names of constraints that are indexes; SQLite keeps those in a table's own text, where nobody asks."""
    if op.get_bind().dialect.name == "postgresql":
        for old, new in names:
            op.execute(f"ALTER INDEX {old} RENAME TO {new}")


def _rename_sequences(*tables: tuple[str, str]) -> None:
    """Also the foreign key of the batches; on PostgreSQL only. `batches` is what the table is called just now."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for old, new in tables:
        op.execute(f"ALTER SEQUENCE {old}_id_seq RENAME TO {new}_id_seq")
    old, new = tables[0]
    op.execute(f"ALTER TABLE batches RENAME CONSTRAINT fk_{old}_dispatch_id TO fk_{new}_dispatch_id")
