"""Lots: how a worker takes a campaign's messages a thousand at a time, and how they come back when it dies.

The lease and its fencing token are on the lot, not on the rows, and `begun_to` is moved on (under the token) before
messages leave. A worker that lost its lease, or cannot reach the database, cannot move it on and so sends nothing
more. The rows themselves are written once: with their outcome.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, bindparam, func, insert, or_, select, text, true, update
from sqlalchemy.orm import Session

from newsletter.mail.outbox.claims import LEASE, LOST, NOT_ELIGIBLE, Letter
from newsletter.mail.outbox.dispatch import Dispatch, Hold, Lot, LotState
from newsletter.mail.outbox.message import TROUBLED, Attempt, Message, State
from newsletter.mail.outbox.record import Verdict
from newsletter.subscribers import Stream, Subscriber, receivable

STILL = (State.READY, State.UNCERTAIN)
"""What an outcome may be written onto: a worker slower than its lease finds its messages called uncertain."""


@dataclass(frozen=True, slots=True)
class LotClaim:
    """A lot in a worker's hands."""

    id: int
    token: str
    dispatch_id: int
    first_id: int
    last_id: int
    revision_id: int | None
    """The words it goes out in: the dispatch's when it was claimed. None: each row says its own."""


def claim_lot(session: Session, token: str, now: datetime) -> tuple[LotClaim, list[Letter]] | None:
    """Take the oldest open lot of a dispatch that is not held; None when there is none.

    Eligibility is joined in: whoever may not receive it any more is `cancelled` here and is not among the letters.
    """
    free = (
        select(Lot.id)
        .join(Dispatch, Dispatch.id == Lot.dispatch_id)
        .where(Lot.state == LotState.OPEN, Dispatch.hold == Hold.OPEN)
        .where(or_(Lot.not_before.is_(None), Lot.not_before <= now))
        .order_by(Lot.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Lot)
    )
    taken = session.execute(
        update(Lot)
        .where(Lot.id.in_(free.scalar_subquery()), Lot.state == LotState.OPEN)
        .values(state=LotState.CLAIMED, claim_token=token, lease_until=now + LEASE, **_UNTOUCHED)
        .returning(Lot.id, Lot.dispatch_id, Lot.first_id, Lot.last_id)
        .execution_options(synchronize_session=False)
    ).first()
    if taken is None:
        return None
    claim = LotClaim(taken[0], token, *taken[1:], session.get_one(Dispatch, taken[1]).revision_id)
    _drop_ineligible(session, claim, now)
    return claim, _letters(session, claim)


_UNTOUCHED: dict[str, Any] = {"begun_to": 0, "not_before": None, "kept_back": None}


def _drop_ineligible(session: Session, claim: LotClaim, now: datetime) -> None:
    may = select(true()).where(Subscriber.id == Message.subscriber_id, receivable(Message.stream.expression))
    session.execute(
        update(Message)
        .where(*_rows(claim), Message.state == State.READY, ~may.correlate(Message).exists())
        .values(state=State.CANCELLED, settled_at=now, reply=NOT_ELIGIBLE)
        .execution_options(synchronize_session=False)
    )


def _rows(claim: LotClaim) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Message.id.between(claim.first_id, claim.last_id), Message.dispatch_id == claim.dispatch_id


def _letters(session: Session, claim: LotClaim) -> list[Letter]:
    dispatch = session.get_one(Dispatch, claim.dispatch_id)
    rows = session.execute(
        select(Message.id, Message.subscriber_id, Subscriber.email, Subscriber.first_name)
        .join(Subscriber, Subscriber.id == Message.subscriber_id)
        .where(*_rows(claim), Message.state == State.READY, Message.due_at.is_(None))
        .order_by(Message.id)
    )
    at, revision = dispatch.created_at, claim.revision_id
    context: dict[str, object] = {}
    return [
        Letter(id, Stream.CAMPAIGN, 0, at, person, email, name, revision, claim.dispatch_id, context)
        for id, person, email, name in rows
    ]


def begin_lot(session: Session, claim: LotClaim, ids: Sequence[int], now: datetime,
              kept_back: Collection[int] = ()) -> set[int]:  # fmt: skip
    """Move `begun_to` on to the last of these ids (ascending), before any of them leaves; the ids that may go.

    `kept_back`: all of this claim that do not go, though some lie before that last one. Empty answer: the lease is
    somebody else's, or the dispatch is held or has other words by now. An id that is missing was called off meanwhile.
    """
    other = or_(Dispatch.hold != Hold.OPEN, Dispatch.revision_id != claim.revision_id)
    held = select(Dispatch.id).where(Dispatch.id == Lot.dispatch_id, other).correlate(Lot)
    if not _changed(
        session.execute(
            update(Lot)
            .where(Lot.id == claim.id, Lot.claim_token == claim.token, Lot.state == LotState.CLAIMED, ~held.exists())
            .values(
                begun_to=ids[-1], lease_until=now + LEASE, **({"kept_back": sorted(kept_back)} if kept_back else {})
            )
            .execution_options(synchronize_session=False)
        )
    ):
        return set()
    return set(session.scalars(
        select(Message.id).where(
            Message.id.between(ids[0], ids[-1]), Message.dispatch_id == claim.dispatch_id, Message.state == State.READY
        )
    ))  # fmt: skip


def keep_lot(session: Session, claim: LotClaim, now: datetime) -> None:
    """Prolong the lease."""
    session.execute(
        update(Lot)
        .where(Lot.id == claim.id, Lot.claim_token == claim.token)
        .values(lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )


def record_lot(session: Session, claim: LotClaim, verdicts: Sequence[Verdict], now: datetime) -> None:
    """Write outcomes, and in which words, onto the rows of a lot; what did not end in `sent` leaves an Attempt."""
    if not verdicts:
        return
    if session.get_bind().dialect.name == "postgresql":
        _record_by_unnest(session, verdicts, now, claim.revision_id)
    else:
        session.execute(_RECORD, [_row(verdict, now) | {"b_revision": claim.revision_id} for verdict in verdicts])
    tries = [_attempt(verdict, now) for verdict in verdicts if verdict.state is not State.SENT]
    if tries:
        session.execute(insert(Attempt), tries)


_M = Message.__table__.c
_RECORD = (
    update(Message.__table__)  # type: ignore[arg-type]
    .where(_M.id == bindparam("b_id"), or_(*(_M.state == state for state in STILL)))
    .values(
        state=bindparam("b_state"), due_at=bindparam("b_due"), settled_at=bindparam("b_settled"),
        reply_code=bindparam("b_code"), reply=bindparam("b_reply"), relay=bindparam("b_relay"),
        attempts=_M.attempts + 1, troubled_at=bindparam("b_troubled"),
        revision_id=func.coalesce(bindparam("b_revision"), _M.revision_id),
    )
)  # fmt: skip
# due_at and troubled_at are left alone where nothing changes: PostgreSQL then updates the row in place (HOT).
_UNNEST = text(
    "UPDATE messages AS m SET state = v.state, due_at = v.due, settled_at = v.settled, reply_code = v.code, "
    "reply = v.reply, relay = v.relay, attempts = m.attempts + 1, troubled_at = v.troubled, "
    "revision_id = coalesce(CAST(:revision AS bigint), m.revision_id) "
    "FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS varchar[]), CAST(:dues AS timestamptz[]), "
    "CAST(:settleds AS timestamptz[]), CAST(:codes AS integer[]), CAST(:replies AS varchar[]), "
    "CAST(:relays AS varchar[]), CAST(:troubleds AS timestamptz[])) "
    "AS v(id, state, due, settled, code, reply, relay, troubled) "
    "WHERE m.id = v.id AND m.state IN ('ready', 'uncertain')"
)


def _record_by_unnest(session: Session, verdicts: Sequence[Verdict], now: datetime, revision: int | None) -> None:
    rows = [_row(verdict, now) for verdict in verdicts]
    session.execute(
        _UNNEST,
        {
            "ids": [row["b_id"] for row in rows],
            "states": [str(row["b_state"]) for row in rows],
            "dues": [row["b_due"] for row in rows],
            "settleds": [row["b_settled"] for row in rows],
            "codes": [row["b_code"] for row in rows],
            "replies": [row["b_reply"] for row in rows],
            "relays": [row["b_relay"] for row in rows],
            "troubleds": [row["b_troubled"] for row in rows],
            "revision": revision,
        },
    )


def _row(verdict: Verdict, now: datetime) -> dict[str, object]:
    return {
        "b_id": verdict.id,
        "b_state": verdict.state,
        "b_due": verdict.due_at,
        "b_settled": None if verdict.due_at else now,
        "b_code": verdict.code or None,
        "b_reply": verdict.reply,
        "b_relay": verdict.relay,
        "b_troubled": now if verdict.state in TROUBLED else None,
    }


def _attempt(verdict: Verdict, now: datetime) -> dict[str, object]:
    return {
        "message_id": verdict.id, "at": now, "state": verdict.state, "relay": verdict.relay, "code": verdict.code,
        "reply": verdict.reply,
    }  # fmt: skip


def release_lot(session: Session, claim: LotClaim, not_before: datetime | None = None) -> None:
    """Let go of a lot: done when every message has an outcome, else open again for whoever comes next."""
    session.execute(
        update(Lot)
        .where(Lot.id == claim.id, Lot.claim_token == claim.token)
        .values(
            state=LotState.OPEN if _has_ready(session, claim) else LotState.DONE,
            claim_token=None, lease_until=None, not_before=not_before,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def _has_ready(session: Session, claim: LotClaim) -> bool:
    look = select(Message.id).where(*_rows(claim), Message.state == State.READY, Message.due_at.is_(None)).limit(1)
    return session.scalar(look) is not None


def recover_lots(session: Session, now: datetime, tokens: Collection[str] | None = None) -> int:
    """Take back lots whose lease ran out (or those of dead workers' `tokens`, now); how many messages are uncertain.

    Up to `begun_to`, what has no outcome may have arrived: it is `uncertain` and never sent again by itself.
    """
    dead = Lot.lease_until < now if tokens is None else Lot.claim_token.in_(tokens)
    lots = session.scalars(
        select(Lot)
        .where(Lot.state == LotState.CLAIMED, dead)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    lost = 0
    for lot in lots:
        words = words_under_way(session, lot)
        claim = LotClaim(lot.id, lot.claim_token or "", lot.dispatch_id, lot.first_id, lot.last_id, words)
        up_to = select(Message.id).where(*_rows(claim), Message.id <= lot.begun_to, Message.state == State.READY)
        begun = set(session.scalars(up_to)).difference(lot.kept_back or ())
        record_lot(session, claim, [Verdict(id, State.UNCERTAIN, 0, LOST, "") for id in begun], now)
        release_lot(session, claim)
        lost += len(begun)
    return lost


def words_under_way(session: Session, lot: Lot) -> int:
    """The revision that a claimed lot goes out in: its dispatch gets no other words while one is claimed."""
    return session.scalars(select(Dispatch.revision_id).where(Dispatch.id == lot.dispatch_id)).one()


def rewind_lot(session: Session, token: str) -> None:
    """The journal tells exactly what left: `begun_to` need not stand for it (see `mail.journal`)."""
    session.execute(
        update(Lot)
        .where(Lot.claim_token == token, Lot.state == LotState.CLAIMED)
        .values(begun_to=0)
        .execution_options(synchronize_session=False)
    )


def _changed(result: object) -> bool:
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
