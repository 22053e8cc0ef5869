"""Forms, the owner's sites they stand on, where they were seen, and which form a consent came by

Revision ID: 0024
Revises: 0023
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op


revision = "0024"
down_revision = "0023"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
GIVES = ("guide", "newsletter")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "forms",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("gives", sa.Enum(*GIVES, name="gives", native_enum=False, length=16), nullable=False),
        sa.Column("guide_slug", sa.String(length=64), nullable=True),
        sa.Column("headline", sa.String(length=120), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("button", sa.String(length=60), nullable=False),
        sa.Column("consent_words", sa.String(length=400), nullable=False),
        sa.Column("asks_name", sa.Boolean(), nullable=False),
        sa.Column("offers_newsletter", sa.Boolean(), nullable=False),
        sa.Column("shows_cover", sa.Boolean(), nullable=False),
        sa.Column("ground", sa.String(length=7), nullable=False),
        sa.Column("ink", sa.String(length=7), nullable=False),
        sa.Column("accent", sa.String(length=7), nullable=False),
        sa.Column("after_url", sa.String(length=300), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("sequence_id", ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("gives IN ('guide', 'newsletter')", name=op.f("ck_forms_gives")),
        sa.CheckConstraint("(gives = 'guide') = (guide_slug IS NOT NULL)", name=op.f("ck_forms_a_guide_or_none")),
        sa.ForeignKeyConstraint(["sequence_id"], ["sequences.id"], name=op.f("fk_forms_sequence_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forms")),
        sa.UniqueConstraint("slug", name=op.f("uq_forms_slug")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_forms_guide_slug"), "forms", ["guide_slug"])
    op.create_table(
        "form_sightings",
        sa.Column("form_id", ID, nullable=False),
        sa.Column("origin", sa.String(length=270), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["form_id"], ["forms.id"], name=op.f("fk_form_sightings_form_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("form_id", "origin", name=op.f("pk_form_sightings")),
    )
    op.add_column("brand", sa.Column("sites", sa.String(length=4000), nullable=False, server_default=""))
    # As a column's own reference SQLite adds it without copying the table of consents.
    number = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        sa.text(
            f"ALTER TABLE consents ADD COLUMN form_id {number} CONSTRAINT fk_consents_form_id REFERENCES forms (id) "
            "ON DELETE SET NULL"
        )
    )
    _forms_of_what_is_there()


def _forms_of_what_is_there() -> None:
    """The box of each guide, and the footer's form, as a new install has them."""
    connection = op.get_bind()
    guides = connection.execute(sa.text("SELECT slug, title FROM guides ORDER BY position, id")).all()
    brand = connection.execute(sa.text("SELECT id FROM brand")).first()
    table = sa.table(
        "forms",
        *(sa.column(name) for name in (
            "slug", "name", "gives", "guide_slug", "headline", "words", "button", "consent_words", "asks_name",
            "offers_newsletter", "shows_cover", "ground", "ink", "accent", "after_url",
        )),
        sa.column("tags", sa.JSON()), sa.column("created_at", sa.DateTime(timezone=True)),
    )  # fmt: skip
    same = {
        "words": "", "consent_words": "", "ground": "#ffffff", "ink": "#1d2a2a", "accent": "#0f5f63", "after_url": "",
        "tags": [], "created_at": datetime.now(UTC),
    }  # fmt: skip
    for slug, title in guides:
        row = {
            "slug": slug, "name": f"Box: {title}"[:120], "gives": "guide", "guide_slug": slug, "headline": title[:120],
            "button": "Send me the guide", "asks_name": True, "offers_newsletter": True, "shows_cover": True,
        }  # fmt: skip
        connection.execute(table.insert().values({**same, **row}))
    if brand is not None and not any(slug == "footer" for slug, _ in guides):
        row = {
            "slug": "footer", "name": "Footer: the newsletter", "gives": "newsletter", "guide_slug": None,
            "headline": "Our newsletter", "button": "Subscribe", "asks_name": False, "offers_newsletter": False,
            "shows_cover": False,
        }  # fmt: skip
        connection.execute(table.insert().values({**same, **row}))


def downgrade() -> None:
    """Take back. Which form a consent came by stays in its words."""
    op.drop_column("consents", "form_id")
    op.drop_column("brand", "sites")
    op.drop_table("form_sightings")
    op.drop_index(op.f("ix_forms_guide_slug"), "forms")
    op.drop_table("forms")
