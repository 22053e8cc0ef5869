"""Recovers what dead workers left, from their journals or, without those, when leases run out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.orm import Session

from newsletter.languages import said
from newsletter.mail.journal import DeadJournal, dead_journals
from newsletter.mail.ledger import ClaimedMessage, Lane, Message, Outcome, State
from newsletter.mail.ledger.batch_claims import recover_batches, revision_being_sent, rewind_batch
from newsletter.mail.ledger.batch_outcomes import record_batch
from newsletter.mail.ledger.counts import invalidate
from newsletter.mail.ledger.dispatch import Batch, BatchRange
from newsletter.mail.ledger.lost import recover_rows, requeue
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.ledger.record import record
from newsletter.mail.ledger.row_claims import held_by, release
from newsletter.mail.notice import tell_owners
from newsletter.mail.outcomes import Suppress, interpret
from newsletter.mail.retry import Transaction
from newsletter.smtp import SmtpResult, Stage

log = structlog.get_logger()
UNSETTLED = (State.READY, State.UNCERTAIN, State.CANCELLED)
"""States of a batch's rows without an outcome, or with a provisional one."""


def replay(folder: Path, transaction: Transaction, now: datetime, suppress: Suppress) -> tuple[int, int]:
    """Replay dead workers' journals into the ledger; return the numbers of results recorded and messages uncertain.

    Exact: what a journal does not name never left, and the next worker sends it at once; what it names without a
    result was on the wire.
    """
    written = uncertain = 0
    for dead in dead_journals(folder):
        lost = dead.sending - dead.results.keys()
        results = [
            *dead.results.values(),
            *(
                SmtpResult(key=key, stage=Stage.LOST_AFTER, code=0, enhanced="", text="", relay="", at_command=".")
                for key in lost
            ),
        ]
        try:
            with transaction() as session:
                _write(session, dead, results, now, suppress)
        except (OperationalError, InternalError, InterfaceError):
            raise  # the database's trouble, not the journal's: it stays for the next attempt
        except Exception as error:  # noqa: BLE001 - one unreadable file must not stop a host's mail
            _refused(dead, transaction, now, error)
            continue
        dead.settle()
        written, uncertain = written + len(dead.results), uncertain + len(lost)
    return written, uncertain


def _refused(dead: DeadJournal, transaction: Transaction, now: datetime, error: Exception) -> None:
    """Leave a journal for a second try, or put it aside and notify the owner.

    Without it the ledger's own marks count: when the claim's lease runs out, what was marked is `uncertain`.
    """
    log.error("a journal cannot be replayed", journal=dead.path.name, error=type(error).__name__)
    if not dead.has_failed:
        dead.note_failure()
        return
    aside = dead.put_aside()
    with transaction() as session:
        tell_owners(
            session, now, key=f"journal:{dead.token}",
            title=said("What a stopped worker left behind could not be read"),
            lines=[
                said("Its journal was put aside as %(name)s, in the folder for journals: %(error)s.", name=aside.name,
                     error=type(error).__name__),
                said("Nothing is lost and nothing is sent twice. The messages that it had on the wire, and whose "
                     "journal would have told which of them arrived, are uncertain: you find them under Messages."),
            ],
            button=said("Look at the messages"), path="/owner/messages",
        )  # fmt: skip


def _write(session: Session, dead: DeadJournal, results: list[SmtpResult], now: datetime, suppress: Suppress) -> None:
    batch = session.get(Batch, dead.batch) if dead.batch else None
    messages, lanes = _messages(session, dead, batch is not None)
    lost = _recorded_lost(session, messages)  # recording them again would count a second attempt
    known = [one for one in results if one.key in messages and not (one.stage is Stage.LOST_AFTER and one.key in lost)]
    if batch is None:
        lane = next(iter(lanes), Lane.TRANSACTIONAL)
        _write_rows(session, dead, _outcomes(session, dead, messages, lane, known, now, suppress), now)
    else:
        wire = [one for one in known if one.stage is not Stage.RELAY]
        outcomes = _outcomes(session, dead, messages, Lane.BULK, wire, now, suppress)
        _write_batch(session, dead, batch, outcomes, now)


def _write_rows(session: Session, dead: DeadJournal, outcomes: list[Outcome], now: datetime) -> None:
    """Record outcomes of single messages, and release what never left."""
    record(session, dead.token, outcomes, now)
    if dead.whole:
        ours = select(Message.id).where(*held_by(dead.token), Message.state == State.SENDING)
        release(session, dead.token, set(session.scalars(ours)) - dead.sending)
    requeue(session, dead.token, dead.never_left, now, of_batch=False)


def _write_batch(session: Session, dead: DeadJournal, batch: Batch, outcomes: list[Outcome], now: datetime) -> None:
    """Record outcomes of a batch, and release the rest of it."""
    session.refresh(batch, with_for_update=True)
    # None: another claim has it by now, and recovering it wrote the revision to each row.
    revision = revision_being_sent(session, batch) if batch.claim_token == dead.token else None
    held = BatchRange(
        id=batch.id,
        token=dead.token,
        dispatch_id=batch.dispatch_id,
        first_id=batch.first_id,
        last_id=batch.last_id,
        revision_id=revision,
    )
    if batch.claim_token != dead.token:
        invalidate(session, [outcome.id for outcome in outcomes])
    record_batch(session, held, outcomes, now)
    if dead.whole:
        rewind_batch(session, dead.token)
    recover_batches(session, now, tokens=[dead.token])
    requeue(session, dead.token, dead.never_left, now, of_batch=True)


def _outcomes(session: Session, dead: DeadJournal, messages: Mapping[int, ClaimedMessage], lane: Lane,
              results: Sequence[SmtpResult], now: datetime, suppress: Suppress) -> list[Outcome]:  # fmt: skip
    """The outcomes of these results; those without one in the journal get the reason LOST."""
    outcomes, _ = interpret(session, messages, lane, results, now, suppress)
    return [one if one.id in dead.results else replace(one, reason=Reason.LOST) for one in outcomes]


def _messages(session: Session, dead: DeadJournal, of_batch: bool) -> tuple[dict[int, ClaimedMessage], set[Lane]]:
    """The journal's messages that have no outcome in the ledger, and their lanes.

    What was recorded before the worker died is left out; so is what was erased meanwhile.
    """
    wanted = dead.sending | dead.results.keys()
    ours = Message.state.in_(UNSETTLED) if of_batch else Message.claim_token == dead.token
    rows = session.execute(
        select(
            Message.id, Message.stream, Message.attempts, Message.created_at, Message.subscriber_id,
            Message.revision_id, Message.dispatch_id, Message.lane,
        ).where(Message.id.in_(wanted), ours)
    ).all()  # fmt: skip
    messages = {
        id: ClaimedMessage(
            id=id,
            stream=stream,
            attempts=attempts,
            created_at=created,
            subscriber_id=person,
            email="",
            fields={},
            revision_id=revision,
            dispatch_id=dispatch,
            context={},
        )
        for id, stream, attempts, created, person, revision, dispatch, _ in rows
    }
    return messages, {row[-1] for row in rows}


def _recorded_lost(session: Session, messages: Mapping[int, ClaimedMessage]) -> set[int]:
    lost = (Message.state.in_((State.UNCERTAIN, State.DEFERRED)), Message.reason == Reason.LOST)
    return set(session.scalars(select(Message.id).where(Message.id.in_(messages), *lost)))


def recover(folder: Path, transaction: Transaction, now: datetime, suppress: Suppress) -> tuple[int, int]:
    """Recover, from journals first; return how many were released, and are uncertain. Called by a beat tick."""
    _, uncertain = replay(folder, transaction, now, suppress)
    with transaction() as session:
        back, lost = recover_rows(session, now)
        lost += recover_batches(session, now)
    return back, uncertain + lost
