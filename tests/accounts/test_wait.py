"""Growing waits between wrong passwords."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy import select

from newsletter.accounts import wait
from newsletter.accounts.wait import ACCOUNT, BROWSER, CLIENT, FORGOTTEN_AFTER, Key, Wait
from newsletter.db import Database
from tests.conftest import NOON

JANE: Key = (ACCOUNT, "account jane@example.com")
HOME: Key = (CLIENT, "client 192.0.2.7")
AWAY: Key = (CLIENT, "client 198.51.100.9")
KNOWN: Key = (BROWSER, "browser 7")
SECOND = timedelta(seconds=1)


def _try(database: Database, keys: list[Key], now: datetime) -> timedelta:
    with database.transaction() as session:
        return wait.take_try(session, keys, now)


def _waits(database: Database, keys: list[Key], tries: int) -> list[int]:
    """The waits of somebody who always tries again in the first moment allowed."""
    now, waits = NOON, []
    for _ in range(tries):
        waited = timedelta()
        while span := _try(database, keys, now + waited):
            waited += span
        now += waited
        waits.append(round(waited.total_seconds()))
    return waits


def test_waits_double_up_to_a_minute_for_an_account(database: Database) -> None:
    assert _waits(database, [JANE], 14) == [0] * 5 + [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_and_up_to_a_quarter_of_an_hour_for_a_client(database: Database) -> None:
    assert _waits(database, [HOME], 23) == [0] * 10 + [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_the_longer_wait_counts_and_a_try_that_has_to_wait_is_not_counted(database: Database) -> None:
    _waits(database, [AWAY, JANE], 8)
    late = NOON + 7 * SECOND  # the last try was at 1 + 2 + 4 = 7 seconds
    assert [_try(database, [HOME, JANE], late) for _ in range(50)] == [8 * SECOND] * 50
    assert _try(database, [HOME, JANE], late + 8 * SECOND) == timedelta()


def test_a_stranger_does_not_make_a_known_browser_wait(database: Database) -> None:
    _waits(database, [AWAY, JANE], 30)
    assert _try(database, [KNOWN], NOON) == timedelta()


def test_a_right_password_begins_the_count_anew_and_so_does_a_day(database: Database) -> None:
    _waits(database, [HOME, JANE], 12)
    with database.transaction() as session:
        wait.forgive(session, [JANE])
    assert _waits(database, [JANE], 5) == [0] * 5
    later = NOON + FORGOTTEN_AFTER + timedelta(hours=1)
    assert _try(database, [HOME, JANE], later) == timedelta()
    with database.transaction() as session:
        wait.sweep(session, later + FORGOTTEN_AFTER + SECOND)
        assert session.scalars(select(Wait)).all() == []


def test_a_hundred_tries_at_once_are_no_better_than_one_behind_the_other(database: Database) -> None:
    with ThreadPoolExecutor(10) as threads:
        tried = list(threads.map(lambda _: _try(database, [HOME, JANE], NOON), range(100)))
    assert tried.count(timedelta()) == ACCOUNT.free


def test_no_address_is_kept(database: Database) -> None:
    _try(database, [HOME, JANE], NOON)
    with database.reading() as session:
        rows = [row.key_hash for row in session.scalars(select(Wait))]
    assert len(rows) == 2
    assert not any("jane" in row or "192" in row for row in rows)


def test_whoever_is_forgiven_or_swept_meanwhile_gets_no_error(database: Database) -> None:
    def forgive(number: int) -> None:
        with database.transaction() as session:
            wait.forgive(session, [HOME, JANE]) if number % 2 else wait.sweep(session, NOON + 2 * FORGOTTEN_AFTER)

    with ThreadPoolExecutor(8) as threads:
        done = [threads.submit(_try, database, [JANE, HOME], NOON) for _ in range(40)]
        done += [threads.submit(forgive, number) for number in range(40)]
        done += [threads.submit(_try, database, [HOME, JANE], NOON) for _ in range(40)]
    assert [one.exception() for one in done] == [None] * 120
