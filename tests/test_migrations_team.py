"""Migrations of the team: who was there is an owner, and nobody else becomes one on the way back."""

from sqlalchemy import text

from newsletter import accounts, schema, team
from newsletter.accounts import Owner, Passkey, Role
from newsletter.runtime import Runtime
from newsletter.subscribers import read_address
from tests.conftest import NOON
from tests.test_migrations import back_to

PASSWORD = "a long enough password"


def test_passkeys_go_down_and_whoever_had_nothing_else_is_asked_for_the_password(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        both, keyed = (accounts.create(session, f"{name}@example.org", PASSWORD, NOON) for name in ("both", "keyed"))
        key = {"public_key": "b", "rp_id": "localhost", "name": "Laptop", "created_at": NOON}
        both.passkeys.append(Passkey(credential_id="a", **key))
        keyed.passkeys.append(Passkey(credential_id="c", **key))
        keyed.handle()
        accounts.second_factor.switch_on(session, both, accounts.second_factor.new_secret(), 1, runtime.secrets)
        accounts.second_factor.new_codes(session, keyed)
    back_to("0295", database)
    with database.transaction() as session:
        assert set(session.execute(text("SELECT owner_id FROM recovery_codes")).scalars()) == {1}
    schema.upgrade(database)
    with database.reading() as session:
        left = session.query(Owner).order_by(Owner.id).all()
        assert [(one.email, one.has_second_factor, one.passkey_handle) for one in left] == [
            ("both@example.org", True, None), ("keyed@example.org", False, None)
        ]  # fmt: skip


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
