"""Pictures that an owner's words in mails show are kept as logos are

Revision ID: 0374
Revises: 0373
"""

import sqlalchemy as sa
from alembic import op

revision = "0374"
down_revision = "0373"
pictures = sa.table("pictures", sa.column("name", sa.String), sa.column("was_in_mails", sa.Boolean))
texts = sa.table("mail_texts", sa.column("opening", sa.Text), sa.column("closing", sa.Text))


def upgrade() -> None:
    """Apply. Those that stand in words of now are kept from here on."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.alter_column("pictures", "was_logo", new_column_name="was_in_mails")
    words = [" ".join(row) for row in connection.execute(sa.select(texts))]
    for name in connection.scalars(sa.select(pictures.c.name)).all():
        if any(name in one for one in words):
            connection.execute(sa.update(pictures).where(pictures.c.name == name).values(was_in_mails=True))


def downgrade() -> None:
    """Take back."""
    op.alter_column("pictures", "was_in_mails", new_column_name="was_logo")
