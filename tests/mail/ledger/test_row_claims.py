"""Claims: one worker at a time, and back when it dies."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Attempt, ClaimedMessage, Lane, Message, State
from newsletter.mail.ledger.lost import SECOND_TRY, recover_rows
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.ledger.row_claims import LEASE, claim_rows, mark_sending, release, renew
from newsletter.subscribers import Status, Stream, Subscriber
from tests.conftest import NOON

Queued = Callable[..., int]
Row = Callable[[int], Message]
AFTER_LEASE = NOON + LEASE + timedelta(seconds=1)


def _claim(database: Database, token: str, lane: Lane = Lane.TRANSACTIONAL, limit: int = 50) -> list[ClaimedMessage]:
    with database.transaction() as session:
        return claim_rows(session, lane, token, NOON, limit)


def _mark(database: Database, token: str, ids: Iterable[int]) -> set[int]:
    with database.transaction() as session:
        return mark_sending(session, token, list(ids), NOON)


def test_a_claim_takes_the_oldest_first_and_no_more_than_asked(queued: Queued, database: Database) -> None:
    ids = [queued(f"p{n}@example.com") for n in range(5)]
    assert [message.id for message in _claim(database, "a", limit=3)] == ids[:3]
    assert [message.id for message in _claim(database, "b", limit=3)] == ids[3:]
    assert _claim(database, "c") == []


def test_a_claimed_message_tells_whom_it_is_for(queued: Queued, database: Database) -> None:
    queued("jane@example.com")
    (message,) = _claim(database, "a")
    assert (message.email, message.stream, message.attempts, message.context) == (
        "jane@example.com",
        Stream.GUIDE,
        0,
        {},
    )


def test_a_lane_is_claimed_by_itself(queued: Queued, database: Database) -> None:
    guide, step = queued(stream=Stream.GUIDE), queued(stream=Stream.STEP)
    assert [message.id for message in _claim(database, "a", Lane.BULK)] == [step]
    assert [message.id for message in _claim(database, "b", Lane.TRANSACTIONAL)] == [guide]


def test_what_is_not_due_yet_waits(queued: Queued, database: Database) -> None:
    id = queued()
    with database.transaction() as session:
        session.get_one(Message, id).due_at = NOON + timedelta(seconds=1)
    assert _claim(database, "a") == []


def test_many_workers_never_get_the_same_message(queued: Queued, database: Database) -> None:
    ids = [queued(f"p{n}@example.com") for n in range(40)]

    def worker(name: str) -> list[int]:
        got: list[int] = []
        while claimed := _claim(database, name, limit=3):
            got += [message.id for message in claimed if message.id not in got]
            _mark(database, name, got)
        return got

    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(worker, ["a", "b", "c", "d"]))
    assert sorted(id for share in shares for id in share) == ids


def test_a_claim_in_an_open_transaction_is_passed_over(queued: Queued, database: Database) -> None:
    ids = [queued(f"p{n}@example.com") for n in range(4)]
    if database.is_sqlite:  # one writer at a time: the second waits for the first
        assert len(_claim(database, "a", limit=2)) == len(_claim(database, "b", limit=2)) == 2
        return
    with database.transaction() as first, database.transaction() as second:
        one = claim_rows(first, Lane.TRANSACTIONAL, "a", NOON, 2)
        two = claim_rows(second, Lane.TRANSACTIONAL, "b", NOON, 2)
    assert sorted(message.id for message in one + two) == ids


@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED, Status.PENDING])
def test_who_may_not_receive_it_any_more_gets_nothing(
    status: Status, queued: Queued, database: Database, row: Row
) -> None:
    id = queued(stream=Stream.CAMPAIGN)
    with database.transaction() as session:
        session.execute(update(Subscriber).values(status=status))
    assert _claim(database, "a", Lane.BULK) == []
    assert (row(id).state, row(id).settled_at) == (State.CANCELLED, NOON)
    assert row(id).reason is Reason.NOT_ELIGIBLE


def test_who_left_only_the_newsletter_gets_no_campaign(queued: Queued, database: Database, row: Row) -> None:
    campaign, step = queued(stream=Stream.CAMPAIGN), queued(stream=Stream.STEP)
    with database.transaction() as session:
        session.execute(update(Subscriber).values(newsletter=False))
    assert [message.id for message in _claim(database, "a", Lane.BULK)] == [step]
    assert row(campaign).state is State.CANCELLED


def test_called_off_between_claim_and_sending_is_not_sent(queued: Queued, database: Database, row: Row) -> None:
    alice, bob = queued("alice@example.com"), queued("bob@example.com")
    _claim(database, "a")
    with database.transaction() as session:
        ledger.cancel(session, NOON, Reason.LEFT, Message.id == alice)
    assert _mark(database, "a", [alice, bob]) == {bob}
    assert row(alice).state is State.CANCELLED


def test_a_message_is_marked_for_one_claim_only_which_may_ask_again(queued: Queued, database: Database) -> None:
    id = queued()
    _claim(database, "a")
    assert _mark(database, "a", [id]) == {id}
    assert _mark(database, "a", [id]) == {id}  # a commit in doubt is made once more
    assert _mark(database, "b", [id]) == set()


def test_a_worker_whose_lease_ran_out_marks_nothing(queued: Queued, database: Database) -> None:
    id = queued()
    _claim(database, "slow")
    with database.transaction() as session:
        assert recover_rows(session, AFTER_LEASE) == (1, 0)
    assert _mark(database, "slow", [id]) == set()
    assert len(_claim(database, "quick")) == 1
    assert _mark(database, "slow", [id]) == set()
    assert _mark(database, "quick", [id]) == {id}


def test_a_renewed_lease_is_not_recovered(queued: Queued, database: Database) -> None:
    id = queued()
    _claim(database, "a")
    with database.transaction() as session:
        renew(session, "a", [id], AFTER_LEASE)
        assert recover_rows(session, AFTER_LEASE + timedelta(seconds=40)) == (0, 0)


def test_what_was_not_marked_is_released(queued: Queued, database: Database, row: Row) -> None:
    alice, bob = queued("alice@example.com"), queued("bob@example.com")
    _claim(database, "a")
    _mark(database, "a", [bob])
    with database.transaction() as session:
        release(session, "a")
    assert (row(alice).state, row(alice).claim_token) == (State.READY, None)
    assert row(bob).state is State.SENDING


def test_what_was_tried_before_comes_back_as_deferred(queued: Queued, database: Database, row: Row) -> None:
    id = queued()
    with database.transaction() as session:
        session.get_one(Message, id).attempts = 1
    _claim(database, "a")
    with database.transaction() as session:
        release(session, "a")
    assert row(id).state is State.DEFERRED


def _die_on_the_wire(database: Database, id: int, lane: Lane) -> None:
    with database.transaction() as session:
        session.execute(update(Message).where(Message.id == id).values(due_at=NOON))
    _claim(database, "dead", lane)
    assert _mark(database, "dead", [id]) == {id}
    with database.transaction() as session:
        assert recover_rows(session, AFTER_LEASE) == (0, 1)


@pytest.mark.parametrize("stream", [Stream.STEP, Stream.CAMPAIGN])
def test_bulk_mail_on_the_wire_of_a_dead_worker_is_uncertain_for_good(
    stream: Stream, queued: Queued, database: Database, row: Row
) -> None:
    id = queued(stream=stream)
    _die_on_the_wire(database, id, Lane.BULK)
    assert (row(id).state, row(id).settled_at, row(id).attempts) == (State.UNCERTAIN, AFTER_LEASE, 1)
    assert _claim(database, "b", Lane.BULK) == []


def test_a_guide_on_the_wire_of_a_dead_worker_is_tried_once_more_after_15_minutes(
    queued: Queued, database: Database, row: Row
) -> None:
    id = queued(stream=Stream.GUIDE)
    _die_on_the_wire(database, id, Lane.TRANSACTIONAL)
    assert (row(id).state, row(id).due_at) == (State.DEFERRED, AFTER_LEASE + SECOND_TRY)
    assert timedelta(minutes=15) == SECOND_TRY
    _die_on_the_wire(database, id, Lane.TRANSACTIONAL)
    assert row(id).state is State.UNCERTAIN


def test_a_lost_try_leaves_its_mark(queued: Queued, database: Database) -> None:
    _die_on_the_wire(database, queued(), Lane.TRANSACTIONAL)
    with database.reading() as session:
        lost = session.scalars(select(Attempt)).one()
    assert (lost.state, lost.at, lost.code) == (State.UNCERTAIN, AFTER_LEASE, 0)
