"""Addresses that must not be written to, kept without the address."""

from newsletter.db import Database
from newsletter.subscribers import Suppression, SuppressionReason, address_hash, read_address
from tests.conftest import NOON


def test_a_hash_is_found_again_and_tells_no_address(database: Database) -> None:
    hashed = address_hash(b"k" * 40, read_address("Jane@Example.com").key)
    with database.transaction() as session:
        session.add(Suppression(address_hash=hashed, reason=SuppressionReason.COMPLAINED, created_at=NOON))
        session.flush()
        found = Suppression.of(session, address_hash(b"k" * 40, read_address("jane@example.COM").key))
        assert found is not None and found.reason is SuppressionReason.COMPLAINED
        assert Suppression.of(session, address_hash(b"j" * 40, "jane@example.com")) is None
    assert len(hashed) == 64
    assert "jane" not in hashed
