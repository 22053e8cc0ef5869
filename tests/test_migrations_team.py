"""Migrations of the team: who was there is an owner, and nobody else becomes one on the way back."""

from sqlalchemy import text

from newsletter import accounts, schema, team
from newsletter.accounts import Owner, Role
from newsletter.runtime import Runtime
from newsletter.subscribers import read_address
from tests.conftest import NOON
from tests.test_migrations import back_to

PASSWORD = "a long enough password"


def test_roles_go_down_and_up_again(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        for role in Role:
            accounts.create(session, f"{role}@example.org", PASSWORD, NOON, role=role)
        team.invite(session, 1, read_address("new@example.org"), Role.EDITOR, NOON, keys=runtime.secrets)
        gone = accounts.create(session, "gone@example.org", PASSWORD, NOON)
        gone.removed_at = NOON
        accounts.OwnerSession.start(session, session.get_one(Owner, 1), NOON)
        accounts.OwnerSession.start(session, session.get_one(Owner, 2), NOON)
    back_to("0262", database)
    with database.transaction() as session:
        rows = session.execute(text("SELECT email, password_hash = '' FROM owners ORDER BY id")).all()
        assert [(email, bool(closed)) for email, closed in rows] == [
            ("owner@example.org", False), ("editor@example.org.2.invalid", True),
            ("writer@example.org.3.invalid", True), ("viewer@example.org.4.invalid", True),
            ("gone@example.org.5.invalid", True),
        ]  # fmt: skip
        assert session.execute(text("SELECT owner_id FROM sessions")).scalars().all() == [1]
        assert session.execute(text("SELECT count(*) FROM messages")).scalar() == 0
    schema.upgrade(database)
    with database.reading() as session:
        (left,) = session.query(Owner).where(Owner.removed_at.is_(None)).all()
        assert (left.email, left.role, left.signed_in_at) == ("owner@example.org", Role.OWNER, NOON)
