"""Words that change under way: each row is told the ones that it went out in, by whom ever and however late."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import articles, feedback
from newsletter.articles import Revision
from newsletter.db import Database
from newsletter.mail import ledger, recovery
from newsletter.mail.ledger import Dispatch, Lane, Message, Outcome, State
from newsletter.mail.ledger.batch_claims import recover_batches
from newsletter.mail.ledger.claim import BatchClaim
from newsletter.mail.ledger.contents import revision_of
from newsletter.mail.ledger.queue import fill
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.subscribers import Segment
from tests.conftest import NOON

LATER = NOON + timedelta(minutes=2)


@pytest.fixture
def filled(database: Database, person: Callable[..., int]) -> int:
    """A dispatch to four people, written down in its article's first words."""
    last = [person(f"p{n}@example.com") for n in range(4)][-1]
    with database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn both ways.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=last)
        session.add(made)
        session.flush()
        fill(session, made, Segment().condition(), NOON, 100)
        return made.id


def _change(database: Database, dispatch: int) -> None:
    with database.transaction() as session:
        found = session.get_one(Dispatch, dispatch)
        found.revision = found.revision.article.revise(NOON, subject="Tennis", preheader="", body="Serve.")


def _claimed(database: Database, token: str) -> BatchClaim:
    with database.transaction() as session:
        claim = ledger.claim(session, Lane.BULK, token, NOON, 10)
    assert isinstance(claim, BatchClaim)
    return claim


def _rows(database: Database) -> list[tuple[State, int]]:
    with database.reading() as session:
        look = select(Message.state, Revision.number).join(Revision, Revision.id == Message.revision_id)
        return [(state, number) for state, number in session.execute(look.order_by(Message.id))]


def _sent(ids: list[int]) -> list[Outcome]:
    return [Outcome(id, State.SENT, 250, "ok", "mx:25") for id in ids]


def test_a_row_is_told_the_words_of_the_claim_with_its_outcome(filled: int, database: Database) -> None:
    _change(database, filled)
    claim = _claimed(database, "a")
    ids = [message.id for message in claim.messages]
    with database.transaction() as session:
        claim.mark_sending(session, ids[:3], NOON)
        claim.record(session, _sent(ids[:2]), NOON)
    assert _rows(database) == [(State.SENT, 2), (State.SENT, 2), (State.READY, 1), (State.READY, 1)]
    with database.transaction() as session:
        assert recover_batches(session, LATER) == 1
    assert _rows(database)[2] == (State.UNCERTAIN, 2)


def test_an_answer_that_comes_late_tells_the_words_that_it_answers(filled: int, database: Database) -> None:
    slow = _claimed(database, "a")
    ids = [message.id for message in slow.messages]
    with database.transaction() as session:
        slow.mark_sending(session, ids[:2], NOON)
    with database.transaction() as session:
        recover_batches(session, LATER)
    _change(database, filled)
    with database.transaction() as session:
        slow.record(session, _sent(ids[:1]), LATER)
    assert _rows(database)[:2] == [(State.SENT, 1), (State.UNCERTAIN, 1)]


class KilledError(Exception):
    """Stands for kill -9."""


class Dying(SentList):
    """Takes one message and dies with the second on the wire."""

    def __init__(self) -> None:
        super().__init__(self._answer_first)

    def _answer_first(self, envelope: Envelope) -> SmtpResult:
        if len(self.envelopes) == 2:
            raise KilledError
        return SmtpResult(envelope.key, Stage.ACCEPTED, 250, "2.0.0", "ok", "mx:25", ".")


def _die(runtime: Runtime) -> None:
    runtime.transport = Dying()
    with pytest.raises(KilledError):
        runtime.delivery.run(Lane.BULK)


def test_the_journal_of_a_dead_worker_tells_the_words_of_its_claim(
    filled: int, runtime: Runtime, database: Database
) -> None:
    _change(database, filled)
    _die(runtime)
    recovery.replay(runtime.journals, database.transaction, NOON, feedback.suppress)
    assert _rows(database)[:3] == [(State.SENT, 2), (State.UNCERTAIN, 2), (State.READY, 1)]


def test_a_journal_read_after_the_words_changed_tells_the_old_ones(
    filled: int, runtime: Runtime, database: Database
) -> None:
    _die(runtime)
    with database.transaction() as session:
        recover_batches(session, LATER)  # all four were sending in one commit
    _change(database, filled)
    recovery.replay(runtime.journals, database.transaction, LATER, feedback.suppress)
    # Two had been sending and never left: they get the new ones.
    assert _rows(database) == [(State.SENT, 1), (State.UNCERTAIN, 1), *[(State.DEFERRED, 2)] * 2]


def test_a_worker_that_claimed_before_the_change_begins_nothing_after_it(filled: int, database: Database) -> None:
    claim = _claimed(database, "a")
    _change(database, filled)  # as it would be, had the change not seen a claim that was not committed yet
    ids = [message.id for message in claim.messages]
    with database.transaction() as session:
        assert claim.mark_sending(session, ids, NOON) == set()
        claim.finish(session, [], NOON, ids, None)
    again = _claimed(database, "b")
    with database.transaction() as session:
        assert again.mark_sending(session, ids, NOON) == set(ids)


def test_before_its_first_try_a_message_has_the_words_it_would_go_out_in(filled: int, database: Database) -> None:
    def numbers() -> list[int]:
        with database.reading() as session:
            seen = [revision_of(session, one) for one in session.scalars(select(Message).order_by(Message.id))]
            return [one.number for one in seen if one]

    with database.transaction() as session:
        first = session.scalars(select(Message).order_by(Message.id)).first()
        assert first is not None
        first.state = State.SENT
    _change(database, filled)
    assert numbers() == [1, 2, 2, 2]
