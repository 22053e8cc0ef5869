"""Clicks of links, whether they are counted, and by which mail somebody left

Revision ID: 0090
Revises: 0101
"""

import sqlalchemy as sa
from alembic import op

revision = "0090"
down_revision = "0101"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OF_A_DISPATCH = sa.text("dispatch_id IS NOT NULL")
BY_A_MAIL = sa.text("message_id IS NOT NULL")


def upgrade() -> None:
    """Apply. Nothing is counted before the owner wants it: readers agreed under words that say so."""
    op.create_table(
        "links",
        sa.Column("id", ID, nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
        sa.UniqueConstraint("url", name="uq_links_url"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "clicks",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("dispatch_id", sa.BigInteger(), nullable=True),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("link_id", ID, nullable=False),
        sa.Column("person_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("machine_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("person_at IS NOT NULL OR machine_at IS NOT NULL", name=op.f("ck_clicks_somebody")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_clicks_subscriber_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name="fk_clicks_link_id"),
        sa.PrimaryKeyConstraint("id", name="pk_clicks"),
        sa.UniqueConstraint("message_id", "link_id", name="uq_clicks_message_id_link_id"),
        sqlite_autoincrement=True,
    )
    where = {"postgresql_where": OF_A_DISPATCH, "sqlite_where": OF_A_DISPATCH}
    op.create_index("ix_clicks_dispatch", "clicks", ["dispatch_id", "link_id"], **where)
    op.create_index("ix_clicks_subscriber", "clicks", ["subscriber_id", "dispatch_id"])
    op.create_index("ix_clicks_revision", "clicks", ["revision_id", "link_id"])
    op.create_table(
        "click_objections",
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_click_objections_subscriber_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscriber_id", name="pk_click_objections"),
    )
    off, on = sa.false(), sa.true()
    op.add_column("brand", sa.Column("counts_clicks", sa.Boolean(), nullable=False, server_default=off))
    op.add_column("brand", sa.Column("has_counted_clicks", sa.Boolean(), nullable=False, server_default=off))
    op.add_column("articles", sa.Column("counts_clicks", sa.Boolean(), nullable=False, server_default=on))
    op.add_column("campaigns", sa.Column("counted_clicks", sa.Boolean(), nullable=False, server_default=off))
    op.add_column("events", sa.Column("message_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_events_message", "events", ["message_id"], postgresql_where=BY_A_MAIL, sqlite_where=BY_A_MAIL
    )


def downgrade() -> None:
    """Take back: links in mails that were sent lead to a page that does not exist any more."""
    op.drop_index("ix_events_message", "events")
    op.drop_column("events", "message_id")
    op.drop_column("campaigns", "counted_clicks")
    op.drop_column("articles", "counts_clicks")
    op.drop_column("brand", "has_counted_clicks")
    op.drop_column("brand", "counts_clicks")
    op.drop_table("click_objections")
    op.drop_table("clicks")
    op.drop_table("links")
