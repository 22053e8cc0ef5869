"""Notices of what needs an owner go to every owner, once each, and to nobody else."""

from sqlalchemy import select

from newsletter import accounts
from newsletter.accounts import Role
from newsletter.db import Database
from newsletter.mail.ledger import Message
from newsletter.mail.notice import tell_owners
from tests.conftest import NOON


def test_every_owner_is_told_once(database: Database) -> None:
    with database.transaction() as session:
        made = {role: accounts.create(session, f"{role}@example.org", "a long enough password", NOON, role=role)
                for role in Role}  # fmt: skip
        second = accounts.create(session, "second@example.org", "a long enough password", NOON)
        gone = accounts.create(session, "gone@example.org", "a long enough password", NOON)
        gone.removed_at = NOON
        session.flush()
        for _ in range(2):
            tell_owners(session, NOON, key="k", title="T", lines=["L"], button="B", path="/owner/")
        told = session.scalars(select(Message.owner_id).order_by(Message.id)).all()
        assert told == [made[Role.OWNER].id, second.id]


def test_nobody_is_told_where_there_is_no_owner(database: Database) -> None:
    with database.transaction() as session:
        tell_owners(session, NOON, key="k", title="T", lines=["L"], button="B", path="/owner/")
        assert session.scalars(select(Message)).all() == []
