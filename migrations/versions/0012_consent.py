"""Consent: what proves it and what ended it, events, the mails that forms caused, and keys without case folding

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op


revision = "0012"
down_revision = "0011"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = (
    "newsletter-on", "newsletter-off", "series-started", "series-resumed", "series-stopped", "left", "returned",
    "refused", "bounced", "complained", "lifted",
)  # fmt: skip
BY = ("mail", "one-click", "page", "owner", "server")
BASES = ("mail", "page", "import", "form")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "events",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="eventkind", native_enum=False, length=16), nullable=False),
        sa.Column("by", sa.Enum(*BY, name="by", native_enum=False, length=16), nullable=False),
        sa.Column("words", sa.String(length=1000), nullable=False),
        sa.Column("page", sa.String(length=200), nullable=False),
        sa.Column("sequence_id", ID, nullable=True),
        sa.Column("before", sa.String(length=16), nullable=True),
        sa.Column("newsletter_before", sa.Boolean(), nullable=True),
        sa.CheckConstraint(f"kind IN ({_listed(KINDS)})", name=op.f("ck_events_kind")),
        sa.CheckConstraint(f"by IN ({_listed(BY)})", name=op.f("ck_events_by")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_events_subscriber_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequences.id"], name=op.f("fk_events_sequence_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_subscriber_id"), "events", ["subscriber_id"])
    op.create_table(
        "form_mails",
        sa.Column("id", ID, nullable=False),
        sa.Column("mailbox_hash", sa.String(length=64), nullable=False),
        sa.Column("domain_hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_mails")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_form_mails_mailbox", "form_mails", ["mailbox_hash", "at"])
    op.create_index("ix_form_mails_domain", "form_mails", ["domain_hash", "at"])
    op.create_index("ix_form_mails_at", "form_mails", ["at"])
    op.add_column("suppressions", sa.Column("folded", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(sa.text("UPDATE suppressions SET folded = true"))
    _consents()
    _unfold_keys()


def _consents() -> None:
    op.add_column("consents", sa.Column("first_name", sa.String(length=80), nullable=False, server_default=""))
    # As a column's own check SQLite adds and drops it without copying the table.
    check = f"CONSTRAINT ck_consents_basis CHECK (basis IN ({_listed(BASES)}))"
    op.execute(sa.text(f"ALTER TABLE consents ADD COLUMN basis VARCHAR(16) {check}"))
    op.add_column("consents", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    # Taken in the very moment of the form: that was done without a press, for those whose address was confirmed.
    op.execute(
        sa.text(
            "UPDATE consents SET basis = CASE WHEN form = 'import' THEN 'import' WHEN form = 'preferences' THEN 'page' "
            "WHEN confirmed_at = given_at THEN 'form' ELSE 'mail' END WHERE confirmed_at IS NOT NULL"
        )
    )
    left = "SELECT left_at FROM subscribers WHERE subscribers.id = consents.subscriber_id"
    op.execute(sa.text(f"UPDATE consents SET ended_at = ({left}) WHERE confirmed_at IS NULL AND given_at <= ({left})"))  # noqa: S608


def _beyond_ascii() -> list[tuple[int, str, str]]:
    beyond = "email GLOB '*[^ -~]*'" if op.get_bind().dialect.name == "sqlite" else "email ~ '[^ -~]'"
    look = sa.text(f"SELECT id, email, email_key FROM subscribers WHERE {beyond} ORDER BY id")  # noqa: S608
    return [tuple(row) for row in op.get_bind().execute(look)]


def _set_key(id: int, key: str) -> None:
    op.get_bind().execute(sa.text("UPDATE subscribers SET email_key = :key WHERE id = :id"), {"key": key, "id": id})


def _unfold_keys() -> None:
    """Addresses with letters beyond ASCII. Nobody is merged: lower case tells more apart than case folding did."""
    for id, email, known in _beyond_ascii():
        wanted = f"{email.rpartition('@')[0].lower()}@{known.rpartition('@')[2]}"
        if wanted != known:
            _set_key(id, wanted)


def _fold_keys() -> None:
    """Who would share a folded key with somebody else keeps the present one: nobody is lost."""
    for id, _, known in _beyond_ascii():
        folded = known.casefold()
        taken = sa.text("SELECT count(*) FROM subscribers WHERE email_key = :key AND id != :id")
        if not op.get_bind().scalar(taken, {"key": folded, "id": id}):
            _set_key(id, folded)


def downgrade() -> None:
    """Take back."""
    _fold_keys()
    for column in ("ended_at", "basis", "first_name"):
        op.drop_column("consents", column)
    op.drop_column("suppressions", "folded")
    op.drop_table("form_mails")
    op.drop_table("events")


def _listed(codes) -> str:  # type: ignore[no-untyped-def]
    return ", ".join(f"'{code}'" for code in codes)
