"""Recovery: what dead workers left is put right, by itself, from their journals or, without them, when leases end."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.orm import Session

from newsletter.mail import outbox
from newsletter.mail.journal import Left, left_behind
from newsletter.mail.notice import tell_owner
from newsletter.mail.outbox import LOST, Lane, Letter, Lot, LotClaim, Message, State
from newsletter.mail.patience import Transaction
from newsletter.mail.verdicts import Suppress, judge
from newsletter.smtp import SmtpResult, Stage

log = structlog.get_logger()
UNTOLD = (State.READY, State.UNCERTAIN, State.CANCELLED)
"""Of a lot's rows: without an outcome, or with one that was made up in its absence."""


def replay(folder: Path, transaction: Transaction, now: datetime, suppress: Suppress) -> tuple[int, int]:
    """Bring the journals of this host's dead workers into the ledger: (outcomes written, messages uncertain).

    Exact: what the journal does not name never left and is sent by the next worker, at once; what it names without
    an outcome was on the wire.
    """
    written = uncertain = 0
    for left in left_behind(folder):
        lost = left.handed_over - left.outcomes.keys()
        outcomes = [*left.outcomes.values(), *(SmtpResult(key, Stage.LOST_AFTER, 0, "", LOST, "", ".") for key in lost)]
        try:
            with transaction() as session:
                _write(session, left, outcomes, now, suppress)
        except (OperationalError, InternalError, InterfaceError):
            raise  # the database's trouble, not the journal's: it stays for the next one who looks
        except Exception as error:  # noqa: BLE001 - one file that cannot be read must not stop a host's mail
            _refused(left, transaction, now, error)
            continue
        left.settle()
        written, uncertain = written + len(left.outcomes), uncertain + len(lost)
    return written, uncertain


def _refused(left: Left, transaction: Transaction, now: datetime, error: Exception) -> None:
    """Leave a journal for a second try, or put it aside and tell the owner.

    Without it the ledger's own mark counts: when the claim's lease runs out, what was begun is `uncertain`.
    """
    log.error("a journal cannot be replayed", journal=left.path.name, error=type(error).__name__)
    if not left.has_failed:
        left.note_failure()
        return
    aside = left.put_aside()
    with transaction() as session:
        tell_owner(
            session, now, key=f"journal:{left.token}", title="What a stopped worker left behind could not be read",
            lines=[
                f"Its journal was put aside as {aside.name}, in the folder for journals: {type(error).__name__}.",
                "Nothing is lost and nothing is sent twice. The messages that it had on the wire, and whose journal "
                "would have told which of them arrived, are uncertain: you find them under Messages.",
            ],
            button="Look at the messages", path="/owner/messages",
        )  # fmt: skip


def _write(session: Session, left: Left, outcomes: list[SmtpResult], now: datetime, suppress: Suppress) -> None:
    lot = session.get(Lot, left.lot) if left.lot else None
    letters, lanes = _letters(session, left, lot is not None)
    told = _told_lost(session, letters)  # that nobody knows is on record: said twice it would be two tries
    known = [one for one in outcomes if one.key in letters and not (one.stage is Stage.LOST_AFTER and one.key in told)]
    if lot is None:
        lane = next(iter(lanes), Lane.TRANSACTIONAL)
        verdicts, _ = judge(session, letters, lane, known, now, suppress)
        outbox.record(session, left.token, verdicts, now)
        if left.whole:
            held = select(Message.id).where(*outbox.held_by(left.token), Message.state == State.HANDED_OVER)
            outbox.release(session, left.token, set(session.scalars(held)) - left.handed_over)
        outbox.put_back(session, left.token, left.kept, now, of_lot=False)
        return
    wire = [one for one in known if one.stage is not Stage.RELAY]
    verdicts, _ = judge(session, letters, Lane.BULK, wire, now, suppress)
    session.refresh(lot, with_for_update=True)
    # A lot that is somebody else's by now: when it was taken back, each row was told its words.
    words = outbox.words_under_way(session, lot) if lot.claim_token == left.token else None
    claim = LotClaim(lot.id, left.token, lot.dispatch_id, lot.first_id, lot.last_id, words)
    if lot.claim_token != left.token:
        outbox.strike_out(session, [verdict.id for verdict in verdicts])
    outbox.record_lot(session, claim, verdicts, now)
    if left.whole:
        outbox.rewind_lot(session, left.token)
    outbox.recover_lots(session, now, tokens=[left.token])
    outbox.put_back(session, left.token, left.kept, now, of_lot=True)


def _letters(session: Session, left: Left, of_lot: bool) -> tuple[dict[int, Letter], set[Lane]]:
    """Those that the ledger has no outcome of: what was written before the worker died is not judged again, and
    somebody may have been erased meanwhile."""
    wanted = left.handed_over | left.outcomes.keys()
    ours = Message.state.in_(UNTOLD) if of_lot else Message.claim_token == left.token
    rows = session.execute(
        select(
            Message.id, Message.stream, Message.attempts, Message.created_at, Message.subscriber_id,
            Message.revision_id, Message.dispatch_id, Message.lane,
        ).where(Message.id.in_(wanted), ours)
    ).all()  # fmt: skip
    letters = {
        id: Letter(id, stream, attempts, created, person, "", "", revision, dispatch, {})
        for id, stream, attempts, created, person, revision, dispatch, _ in rows
    }
    return letters, {row[-1] for row in rows}


def _told_lost(session: Session, letters: Mapping[int, Letter]) -> set[int]:
    lost = (Message.state.in_((State.UNCERTAIN, State.DEFERRED)), Message.reply == LOST)
    return set(session.scalars(select(Message.id).where(Message.id.in_(letters), *lost)))


def recover(folder: Path, transaction: Transaction, now: datetime, suppress: Suppress) -> tuple[int, int]:
    """What a beat tick does several times a minute: (given back, uncertain)."""
    _, uncertain = replay(folder, transaction, now, suppress)
    with transaction() as session:
        back, lost = outbox.recover(session, now)
        lost += outbox.recover_lots(session, now)
    return back, uncertain + lost
