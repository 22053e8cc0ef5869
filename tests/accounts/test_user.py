"""Owners: passwords, and the record of what they did."""

import argon2
import pytest
from sqlalchemy import select

from newsletter import accounts
from newsletter.accounts import AuditEntry, Owner, WeakPassword
from newsletter.db import Database
from tests.conftest import NOON

GOOD = "correct horse battery"


def test_an_owner_signs_in_with_address_and_password(database: Database) -> None:
    with database.transaction() as session:
        paul = accounts.create(session, " Paul@Human-Movement.com ", GOOD, NOON)
        assert accounts.sign_in(session, "PAUL@human-movement.com", GOOD) is paul
        assert accounts.sign_in(session, "paul@human-movement.com", "wrong password") is None
        assert accounts.sign_in(session, "nobody@example.com", GOOD) is None
        assert accounts.first(session) is paul


def test_the_password_itself_is_not_kept(database: Database) -> None:
    with database.transaction() as session:
        paul = accounts.create(session, "paul@human-movement.com", GOOD, NOON)
        assert paul.password_hash.startswith("$argon2id$")
        assert GOOD not in paul.password_hash


def test_a_password_costs_an_attacker_at_least_what_rfc_9106_asks_for() -> None:
    cost = argon2.extract_parameters(accounts.password._DUMMY_HASH)
    assert (cost.type, cost.time_cost >= 3, cost.memory_cost >= 65536) == (argon2.Type.ID, True, True)
    real = argon2.PasswordHasher()  # the tests have a cheap one
    assert not real.check_needs_rehash(accounts.password._DUMMY_HASH), "nobody's takes as long as everybody's"


def test_a_short_password_is_refused_and_the_old_one_stays() -> None:
    paul = Owner(email="paul@human-movement.com")
    paul.set_password(GOOD)
    with pytest.raises(WeakPassword, match="10 characters"):
        paul.set_password("short")
    assert paul.has_password(GOOD)


def test_a_broken_hash_lets_nobody_in() -> None:
    assert not Owner(email="paul@human-movement.com", password_hash="").has_password("")


def test_what_an_owner_did_is_written_down(database: Database) -> None:
    with database.transaction() as session:
        paul = accounts.create(session, "paul@human-movement.com", GOOD, NOON)
        accounts.note(session, paul, NOON, "campaign.scheduled", "x" * 1000)
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.owner_id, entry.at, entry.action, len(entry.detail)) == (paul.id, NOON, "campaign.scheduled", 500)
