"""Codes of an app: good around their time and once; recovery codes; what the database keeps."""

from datetime import datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter import accounts
from newsletter.accounts import Owner, second_factor
from newsletter.accounts.second_factor import RecoveryCode
from newsletter.db import Database
from tests.conftest import NOON

KEYS = (b"k" * 40,)
SECRET = pyotp.random_base32()


def code(at: datetime, secret: str = SECRET) -> str:
    return pyotp.TOTP(secret).at(at)


@pytest.fixture
def codes(database: Database) -> list[str]:
    """Paula's recovery codes; she switched it on a minute before noon."""
    with database.transaction() as session:
        paula = accounts.create(session, "paula@example.org", "a long enough password", NOON)
        step = second_factor.step_of(SECRET, code(NOON - timedelta(minutes=1)), NOON - timedelta(minutes=1))
        assert step is not None
        return second_factor.switch_on(session, paula, SECRET, step, KEYS)


def accepted(database: Database, typed: str, at: datetime = NOON, keys: tuple[bytes, ...] = KEYS) -> bool:
    with database.transaction() as session:
        paula = session.scalars(select(Owner)).one()
        return second_factor.accept(session, paula, typed, keys, at)


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_a_code_is_good_around_its_time(seconds: int, database: Database, codes: list[str]) -> None:
    assert accepted(database, code(NOON + timedelta(seconds=seconds)))


@pytest.mark.parametrize("seconds", [-90, -60, 60, 90, 86400])
def test_and_no_longer(seconds: int, database: Database, codes: list[str]) -> None:
    assert not accepted(database, code(NOON + timedelta(seconds=seconds)))


def test_a_code_is_good_once_and_none_before_it_after(database: Database, codes: list[str]) -> None:
    assert accepted(database, f" {code(NOON)[:3]} {code(NOON)[3:]} ")
    assert not accepted(database, code(NOON))
    assert not accepted(database, code(NOON - timedelta(seconds=30)))
    assert accepted(database, code(NOON + timedelta(seconds=30)))


def test_the_code_that_switched_it_on_lets_nobody_in(database: Database, codes: list[str]) -> None:
    at = NOON - timedelta(minutes=1)
    assert not accepted(database, code(at), at)


def test_a_recovery_code_is_good_once_however_it_is_typed(database: Database, codes: list[str]) -> None:
    assert len(set(codes)) == 10
    assert accepted(database, f"  {codes[0].upper().replace('-', ' ')} ")
    assert not accepted(database, codes[0])
    assert accepted(database, codes[1])
    with database.transaction() as session:
        paula = session.scalars(select(Owner)).one()
        assert second_factor.codes_left(session, paula) == 8
        fresh = second_factor.new_codes(session, paula)
    assert not accepted(database, codes[2])
    assert accepted(database, fresh[0])


def test_neither_the_secret_nor_a_code_can_be_read_in_the_database(database: Database, codes: list[str]) -> None:
    with database.reading() as session:
        paula = session.scalars(select(Owner)).one()
        assert paula.totp_secret and SECRET not in paula.totp_secret
        kept = set(session.scalars(select(RecoveryCode.code_hash)))
    assert not kept & set(codes) and all(len(one) == 64 for one in kept)


def test_a_key_that_was_changed_opens_it_and_one_that_is_lost_leaves_the_recovery_codes(
    database: Database, codes: list[str]
) -> None:
    assert accepted(database, code(NOON), keys=(b"n" * 40, *KEYS))
    assert not accepted(database, code(NOON + timedelta(seconds=30)), keys=(b"n" * 40,))
    assert accepted(database, codes[0], keys=(b"n" * 40,))


def test_switched_off_nothing_of_it_is_left(database: Database, codes: list[str]) -> None:
    with database.transaction() as session:
        second_factor.switch_off(session, session.scalars(select(Owner)).one())
    with database.reading() as session:
        assert not session.scalars(select(Owner)).one().has_second_factor
        assert session.scalars(select(RecoveryCode)).all() == []
    assert not accepted(database, code(NOON)) and not accepted(database, codes[0])


@given(st.text(max_size=60))
def test_nothing_that_is_typed_is_a_code_by_chance_or_raises(typed: str) -> None:
    step = second_factor.step_of(SECRET, typed, NOON)
    near = {code(NOON + timedelta(seconds=seconds)) for seconds in (-30, 0, 30)}
    assert (step is not None) == ("".join(typed.split()) in near)


@given(st.text(max_size=400))
def test_what_was_not_sealed_here_opens_nothing(kept: str) -> None:
    assert second_factor.opened(kept, KEYS) is None
    assert second_factor.opened(second_factor.sealed(SECRET, KEYS), KEYS) == SECRET
