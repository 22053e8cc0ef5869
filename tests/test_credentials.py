"""Passwords: which will do, and the one way in for whoever forgot theirs."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import accounts, credentials
from newsletter.accounts import AuditEntry, Owner, OwnerSession, PasswordReset, WeakPassword
from newsletter.accounts.reset import GOOD_FOR, MOST_AT_ONCE
from newsletter.credentials import Way
from newsletter.db import Database
from newsletter.links import BadLink, Purpose, Signer
from newsletter.mail.ledger import Message
from newsletter.subscribers import Stream
from tests.conftest import NOON

EMAIL, GOOD, NEW = "paula@example.org", "correct horse battery", "a staple for the horse"


@pytest.fixture
def paula(database: Database) -> int:
    with database.transaction() as session:
        return credentials.add_owner(session, EMAIL, GOOD, NOON).id


@pytest.mark.parametrize(
    "typed",
    [
        "password123", "Password123!", "qwertyuiop", "1qaz2wsx3edc", "letmein12345", "iloveyou2026", "manchester1",
        "aaaaaaaaaaaa1", "abcdefghij", "paula@example.org", "paulaexample", "Human Movement", "humanmovement1",
        "01.02.1974 ", "trustno1trustno1", "",
    ],
)  # fmt: skip
def test_a_common_password_is_refused(database: Database, typed: str) -> None:
    with database.transaction() as session, pytest.raises(WeakPassword):
        credentials.add_owner(session, EMAIL, typed, NOON)


@pytest.mark.parametrize(
    "typed", [GOOD, NEW, "7f3a-99b1-0c2d-77aa", "Zq8!pW#mLz", "x9$" * 300, "ein Pferd im Regenmantel"]
)
def test_a_good_one_is_taken_however_long(database: Database, typed: str) -> None:
    if typed.startswith("x9$"):
        typed = GOOD + typed
    with database.transaction() as session:
        assert credentials.add_owner(session, EMAIL, typed, NOON).has_password(typed)


def test_a_new_password_ends_sessions_and_links_and_a_mail_tells(database: Database, paula: int) -> None:
    with database.transaction() as session:
        owner = session.get_one(Owner, paula)
        _, token = OwnerSession.start(session, owner, NOON)
        credentials.ask_for_reset(session, EMAIL, NOON)
        credentials.change_password(session, owner, NEW, NOON, way=Way.PAGE, ip="192.0.2.7")
    with database.reading() as session:
        assert OwnerSession.of(session, token, NOON) is None
        assert session.scalars(select(PasswordReset)).all() == []
        told = session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).one()
        assert told.owner_id == paula and "Your password was changed" in str(told.context)
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None
        assert (entry.action, entry.detail, entry.ip) == ("password changed", "under Settings", "192.0.2.7")


def test_a_refused_password_leaves_everything_as_it_was(database: Database, paula: int) -> None:
    with database.transaction() as session:
        owner = session.get_one(Owner, paula)
        _, token = OwnerSession.start(session, owner, NOON)
        for weak in ("short", "password123"):
            with pytest.raises(WeakPassword):
                credentials.change_password(session, owner, weak, NOON, way=Way.PAGE)
    with database.reading() as session:
        assert session.get_one(Owner, paula).has_password(GOOD)
        assert OwnerSession.of(session, token, NOON) is not None


def _numbers(database: Database) -> tuple[int, ...]:
    with database.reading() as session:
        asked = session.scalars(select(Message).where(Message.stream == Stream.RESET).order_by(Message.id.desc()))
        context = next(iter(asked)).context
        assert context is not None
        return tuple(context["reset"])


def _reset(database: Database, numbers: tuple[int, ...], after: timedelta = timedelta()) -> bool:
    with database.transaction() as session:
        return credentials.reset_password(session, numbers, NEW, NOON + after) is not None


def test_a_link_works_once_and_for_half_an_hour(database: Database, paula: int) -> None:
    with database.transaction() as session:
        assert credentials.ask_for_reset(session, f" {EMAIL.upper()}", NOON)
    numbers = _numbers(database)
    assert not _reset(database, numbers, GOOD_FOR + timedelta(seconds=1))
    assert _reset(database, numbers, GOOD_FOR)
    assert not _reset(database, numbers)
    with database.reading() as session:
        assert accounts.sign_in(session, EMAIL, NEW) is not None


def test_a_link_that_was_not_sent_opens_nothing(database: Database, paula: int) -> None:
    with database.transaction() as session:
        credentials.ask_for_reset(session, EMAIL, NOON)
    row, first, second = _numbers(database)
    for forged in (
        (row, first, second ^ 1),
        (row, second, first),
        (row + 1, first, second),
        (row, first),
        (2**64 - 1, 0, 0),
    ):
        assert not _reset(database, forged)


def test_what_is_kept_makes_no_link_without_the_products_key(database: Database, paula: int) -> None:
    with database.transaction() as session:
        credentials.ask_for_reset(session, EMAIL, NOON)
        kept = session.scalars(select(PasswordReset)).one().token_hash
    _, first, second = _numbers(database)
    assert len(kept) == 64
    assert f"{first:016x}" not in kept and f"{second:016x}" not in kept
    with pytest.raises(BadLink):  # whoever reads the database has no key to sign with
        Signer(b"k" * 40).numbers(Purpose.RESET, Signer(b"j" * 40).token(Purpose.RESET, 1, first, second))


def test_nobody_gets_a_link_for_an_address_that_is_no_owners(database: Database, paula: int) -> None:
    with database.transaction() as session:
        assert not credentials.ask_for_reset(session, "jane@example.com", NOON)
        assert session.scalars(select(Message)).all() == []


def test_who_asks_again_and_again_sends_no_flood(database: Database, paula: int) -> None:
    with database.transaction() as session:
        asked = [credentials.ask_for_reset(session, EMAIL, NOON) for _ in range(10)]
        assert asked == [True] * MOST_AT_ONCE + [False] * (10 - MOST_AT_ONCE)
        assert credentials.ask_for_reset(session, EMAIL, NOON + GOOD_FOR)
