"""Batches that wait for their readers' hour: who looks at them, and who does not."""

import pytest
from sqlalchemy import event, insert, select

from newsletter import articles, looks
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Lane
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.mail.ledger.opening import is_opening, open_due, waiting_instants
from newsletter.mail.ledger.waiting import is_waiting
from tests.conftest import NOON
from tests.mail.ledger.test_waiting import LATER


@pytest.fixture
def thousand(database: Database) -> int:
    """A thousand batches that wait."""
    with database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn both ways.").current
        made = Dispatch(
            revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=9, filled_at=NOON
        )
        session.add(made)
        session.flush()
        alike = {"dispatch_id": made.id, "state": BatchState.WAITING, "opens_at": LATER, "counts": {}, "sending_to": 0}
        session.execute(insert(Batch), [alike | {"first_id": n, "last_id": n} for n in range(1, 1001)])
        return made.id


def test_no_claim_and_no_look_finds_what_waits_for_its_hour(database: Database, thousand: int) -> None:
    with database.transaction() as session:
        assert ledger.claim(session, Lane.BULK, "t", LATER, 10) is None
        assert not any(looks.seen_by(session, NOON).values())
        assert looks.seen_by(session, LATER)["tend-campaigns"] and not looks.seen_by(session, LATER)["deliver-bulk"]


def test_it_is_opened_once_when_the_hour_has_come(database: Database, thousand: int) -> None:
    with database.transaction() as session:
        assert open_due(session, NOON) == 0
        assert waiting_instants(session, session.get_one(Dispatch, thousand)) == [LATER]
    with database.transaction() as session:
        assert (open_due(session, LATER), open_due(session, LATER)) == (1000, 0)
        assert looks.seen_by(session, LATER)["deliver-bulk"]


@pytest.mark.sqlite_only
def test_each_look_goes_by_the_index_of_those_it_is_about(database: Database) -> None:
    """Without statistics, as SQLite mostly is: whichever batches there are many of, the others cost nothing."""
    plans = {}
    with database.reading() as session:
        connection = session.connection()

        def explained(
            _1: object, _2: object, statement: str, values: object, _3: object, _4: object
        ) -> tuple[str, object]:
            return f"EXPLAIN QUERY PLAN {statement}", values

        event.listen(connection.engine, "before_cursor_execute", explained, retval=True)
        for name, look in {"opening": is_opening(NOON), "going": is_waiting(Lane.BULK, NOON)}.items():
            plans[name] = " ".join(str(row[-1]) for row in connection.execute(select(look)).cursor.fetchall())
        event.remove(connection.engine, "before_cursor_execute", explained)
    assert "USING INDEX ix_batches_waiting (state=? AND opens_at<?)" in plans["opening"].replace("COVERING ", "")
    assert "batches USING INDEX ix_batches_open" in plans["going"] or "ix_batches_state_id (state=?)" in plans["going"]
