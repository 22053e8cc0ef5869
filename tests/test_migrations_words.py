"""The ledger's new words and codes: an older database keeps everything, down and up again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from newsletter import articles, schema
from newsletter.db import Database
from newsletter.mail.ledger import Dispatch, Lane, Message, Outcome, Reason, State, cancel, claim, queue
from newsletter.mail.ledger.batch_claims import recover_batches
from newsletter.mail.ledger.queue import fill
from newsletter.mail.ledger.row_claims import claim_rows, mark_sending
from newsletter.runtime import Runtime
from newsletter.subscribers import Segment, Stream, Subscriber
from newsletter.throttle import rules
from newsletter.throttle.rules import Rate, Scope
from tests.conftest import NOON
from tests.test_migrations import back_to

KEPT = {
    "messages": "id, state, idempotency_key, reason, reply, reply_code, enhanced, claim_token, due_at, attempts",
    "attempts": "id, message_id, state, code, enhanced, reply, reason",
    "batches": "id, first_id, last_id, state, claim_token, sending_to, skipped, counts",
    "throttle_rules": "scope, name, count, seconds",
    "dispatches": "id, idempotency_key, hold",
}


def _rows(database: Database) -> dict[str, list[Any]]:
    with database.reading() as session:
        return {
            table: [tuple(row) for row in session.execute(text(f"SELECT {columns} FROM {table} ORDER BY 1, 2"))]
            for table, columns in KEPT.items()
        }


def _a_day_in_the_ledger(runtime: Runtime, person: Callable[..., int]) -> None:
    """Six messages of a campaign in three batches: done, lost, and under way; single ones of every kind."""
    readers = [person(f"p{number}@example.com") for number in range(6)]
    with runtime.database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn both ways.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=readers[-1])
        session.add(made)
        session.flush()
        for _ in range(3):
            fill(session, made, Segment().condition(), NOON, 2)
        rules.put(session, Scope.DOMAIN, "example.com", Rate(100, 60), NOON)
    with runtime.database.transaction() as session:
        done, lost = claim(session, Lane.BULK, "done", NOON, 9, 2), claim(session, Lane.BULK, "lost", NOON, 9, 2)
        assert done and lost
        first, second = (message.id for message in done.messages)
        refused = Outcome(second, State.FAILED, 552, "5.2.2 full", "mx:25", enhanced="5.2.2")
        done.finish(session, [Outcome(first, State.SENT, 250, "2.0.0 ok", "mx:25"), refused], NOON, (), None)
        assert recover_batches(session, NOON + timedelta(hours=1)) == 2
    with runtime.database.transaction() as session:
        assert claim(session, Lane.BULK, "under way", NOON, 9, 1)
        jane = session.get_one(Subscriber, readers[0])
        for number in range(3):
            queue(session, jane, Stream.STEP, f"step:1:{number}", NOON, revision=words)
        queue(session, jane, Stream.GUIDE, "guide:x:1", NOON, held_back=Reason.MAILBOX_LIMIT)
        cancel(session, NOON, Reason.LEFT, Message.idempotency_key == "step:1:0")
        (wire,) = claim_rows(session, Lane.BULK, "wire", NOON, 1)
        assert mark_sending(session, "wire", [wire.id], NOON)


def test_everything_is_kept_down_and_up_again(runtime: Runtime, person: Callable[..., int]) -> None:
    database = runtime.database
    _a_day_in_the_ledger(runtime, person)
    before = _rows(database)
    back_to("0020", database)
    with database.reading() as session:
        replies = dict(session.execute(text("SELECT id, reply FROM messages WHERE reply IS NOT NULL")).all())
        states = set(session.scalars(text("SELECT state FROM messages")))
        begun = session.execute(text("SELECT tally, begun_to FROM lots ORDER BY id")).all()
        kept = session.scalars(text("SELECT count FROM limits")).all()
    assert "handed-over" in states and "sending" not in states
    assert "The worker stopped while this was being handed over; the server may have it." in replies.values()
    assert {"The person unsubscribed.", "5.2.2 full", "2.0.0 ok"} <= set(replies.values())
    assert len(begun) == 3 and begun[2][1] > 0 and kept == [100]
    schema.upgrade(database)
    assert _rows(database) == before


def test_words_of_an_older_version_that_no_code_is_for_stay(runtime: Runtime, person: Callable[..., int]) -> None:
    database = runtime.database
    _a_day_in_the_ledger(runtime, person)
    back_to("0020", database)
    with database.transaction() as session:
        session.execute(text("UPDATE messages SET reply = 'Not sent: of old.' WHERE state = 'cancelled'"))
        session.execute(text("UPDATE messages SET reply = 'Its text cannot be put together: x' WHERE state = 'failed'"))
    schema.upgrade(database)
    with database.reading() as session:
        rows = session.execute(
            text("SELECT DISTINCT reason, reply FROM messages WHERE state IN ('cancelled', 'failed')")
        )
        assert set(rows.all()) == {(None, "Not sent: of old."), ("unfit", "x")}
