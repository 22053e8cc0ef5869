"""Addresses that must not be written to, kept without the address."""

from newsletter.db import Database
from newsletter.subscribers import Suppression, SuppressionReason, address_hash, read_address, suppressed
from tests.conftest import NOON


def test_a_hash_is_found_again_and_tells_no_address(database: Database) -> None:
    hashed = address_hash(b"k" * 40, read_address("Jane@Example.com").key)
    with database.transaction() as session:
        session.add(Suppression(address_hash=hashed, reason=SuppressionReason.COMPLAINED, created_at=NOON))
        session.flush()
        found = Suppression.of(session, [b"k" * 40], read_address("jane@example.COM").key)
        assert found is not None and found.reason is SuppressionReason.COMPLAINED
        assert Suppression.of(session, [b"j" * 40], "jane@example.com") is None
    assert len(hashed) == 64
    assert "jane" not in hashed


def test_who_was_suppressed_under_an_earlier_key_stays_so(database: Database) -> None:
    old, new = b"o" * 40, b"n" * 40
    with database.transaction() as session:
        for secret, key in ((old, "jane@example.com"), (new, "bob@example.com")):
            hashed = address_hash(secret, key)
            session.add(Suppression(address_hash=hashed, reason=SuppressionReason.ERASED, created_at=NOON))
        session.flush()
        assert Suppression.of(session, [new, old], "jane@example.com") is not None
        assert Suppression.of(session, [new], "jane@example.com") is None
        everybody = ["anna@example.com", "jane@example.com", "bob@example.com"]
        assert suppressed(session, [new, old], everybody) == {"jane@example.com", "bob@example.com"}
