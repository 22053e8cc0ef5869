"""Lots: how a worker takes a campaign's messages a thousand at a time, and how they come back when it dies.

The lease and its fencing token are on the lot, not on the rows, and `begun_to` is moved on (under the token) before
messages leave. A worker that lost its lease, or cannot reach the database, cannot move it on and so sends nothing
more. The rows themselves are written once: with their outcome.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, bindparam, false, func, insert, or_, select, text, update
from sqlalchemy.orm import Session

from newsletter.db import UtcDateTime
from newsletter.mail.outbox import tally
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


_WORDS = select(Dispatch.revision_id).where(Dispatch.id == Lot.dispatch_id).correlate(Lot).scalar_subquery()


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
    # Two statements: PostgreSQL may run a subquery with LIMIT once for each row, and so claim several lots.
    chosen = session.scalar(free)
    if chosen is None:
        return None
    taken = session.execute(
        update(Lot)
        .where(Lot.id == chosen, Lot.state == LotState.OPEN)
        .values(state=LotState.CLAIMED, claim_token=token, lease_until=now + LEASE, **_UNTOUCHED)
        .returning(Lot.id, Lot.dispatch_id, Lot.first_id, Lot.last_id, _WORDS)
        .execution_options(synchronize_session=False)
    ).first()
    if taken is None:
        return None
    claim = LotClaim(taken[0], token, *taken[1:])
    return claim, _letters(session, claim, now)


_UNTOUCHED: dict[str, Any] = {"begun_to": 0, "not_before": None, "kept_back": None, "tally": None}


def _rows(claim: LotClaim) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Message.id.between(claim.first_id, claim.last_id), Message.dispatch_id == claim.dispatch_id


_M, _S = Message.__table__.c, Subscriber.__table__.c
# Without the ORM, and built once: a hundred of these go by in a second.
_IN_LOT = (_M.id.between(bindparam("first"), bindparam("last")), _M.dispatch_id == bindparam("dispatch"))
_WAITING = (
    select(_M.id, _M.subscriber_id, _S.email, _S.first_name, func.coalesce(receivable(_M.stream), false()))
    .select_from(Message.__table__.outerjoin(Subscriber.__table__, _S.id == _M.subscriber_id))
    .where(*_IN_LOT, _M.state == State.READY, _M.due_at.is_(None))
    .order_by(_M.id)
)
_NOT_READY = select(_M.id).where(*_IN_LOT, _M.state != State.READY)


def _letters(session: Session, claim: LotClaim, now: datetime) -> list[Letter]:
    dispatch, revision = claim.dispatch_id, claim.revision_id
    at = session.scalars(select(Dispatch.created_at).where(Dispatch.id == dispatch)).one()
    span = {"first": claim.first_id, "last": claim.last_id, "dispatch": dispatch}
    context: dict[str, object] = {}
    letters, gone = [], []
    for id, person, email, name, may in session.connection().execute(_WAITING, span):
        if may:
            letters.append(Letter(id, Stream.CAMPAIGN, 0, at, person, email, name, revision, dispatch, context))
        else:
            gone.append(id)
    if gone:
        session.execute(
            update(Message)
            .where(Message.id.in_(gone), Message.state == State.READY)
            .values(state=State.CANCELLED, settled_at=now, reply=NOT_ELIGIBLE)
            .execution_options(synchronize_session=False)
        )
    return letters


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
    span = {"first": ids[0], "last": ids[-1], "dispatch": claim.dispatch_id}
    return set(ids).difference(session.connection().execute(_NOT_READY, span).scalars())


def keep_lot(session: Session, claim: LotClaim, now: datetime) -> bool:
    """Prolong the lease; whether it is still this claim's."""
    return _changed(
        session.execute(
            update(Lot)
            .where(Lot.id == claim.id, Lot.claim_token == claim.token)
            .values(lease_until=now + LEASE)
            .execution_options(synchronize_session=False)
        )
    )


def record_lot(session: Session, claim: LotClaim, verdicts: Sequence[Verdict], now: datetime) -> None:
    """Write outcomes, and in which words, onto the rows of a lot; what did not end in `sent` leaves an Attempt."""
    if not verdicts:
        return
    alike: dict[tuple[str, int], list[Verdict]] = {}
    others = []
    for verdict in verdicts:
        if verdict.state is State.SENT:
            alike.setdefault((verdict.relay, verdict.code), []).append(verdict)
        else:
            others.append(verdict)
    for (relay, code), sent in alike.items():
        _record_sent(session, claim, relay, code, sent, now)
    if others:
        session.connection().execute(_RECORD, [_row(verdict, claim, now) for verdict in others])
        session.execute(insert(Attempt), [_attempt(verdict, now) for verdict in others])


# What nearly all of a campaign comes to: many rows in one statement, which is told only what differs between them.
# due_at and troubled_at change nothing there: PostgreSQL then updates the row in place (HOT).
_SENT = (
    "UPDATE messages SET state = 'sent', settled_at = :now, due_at = NULL, troubled_at = NULL, reply_code = :code, "
    "relay = :relay, attempts = messages.attempts + 1, reply = v.reply, "
    "revision_id = coalesce(CAST(:revision AS bigint), messages.revision_id) FROM {} AS v{} "
    "WHERE messages.id = v.id AND messages.state IN ('ready', 'uncertain')"
)
_NOW = bindparam("now", type_=UtcDateTime())
# An array of text costs psycopg five times as much as a text that PostgreSQL cuts up.
_SENT_POSTGRESQL = text(
    _SENT.format(
        "unnest(CAST(string_to_array(:ids, ',') AS bigint[]), string_to_array(:replies, chr(10)))", "(id, reply)"
    )
).bindparams(_NOW)
_SENT_SQLITE = text(
    _SENT.format(
        "(SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS reply FROM json_each(:rows))", ""
    )
).bindparams(_NOW)


def _record_sent(session: Session, claim: LotClaim, relay: str, code: int, verdicts: Sequence[Verdict],
                 now: datetime) -> None:  # fmt: skip
    values = {"now": now, "relay": relay, "code": code or None, "revision": claim.revision_id}
    if session.get_bind().dialect.name == "postgresql":
        ids, replies = (
            ",".join([str(one.id) for one in verdicts]),
            "\n".join([one.reply.replace("\n", " ") for one in verdicts]),
        )
        session.connection().execute(_SENT_POSTGRESQL, values | {"ids": ids, "replies": replies})
    else:
        rows = json.dumps([(one.id, one.reply) for one in verdicts])
        session.connection().execute(_SENT_SQLITE, values | {"rows": rows})


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


def _row(verdict: Verdict, claim: LotClaim, now: datetime) -> dict[str, object]:
    return {
        "b_revision": claim.revision_id,
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
    ours = select(Lot.id).where(Lot.id == claim.id, Lot.claim_token == claim.token).with_for_update()
    if session.scalar(ours) is None:
        return
    found = tally.count_lot(session, claim.id)
    session.execute(
        update(Lot)
        .where(Lot.id == claim.id)
        .values(
            state=LotState.OPEN if found.get(State.READY) and _has_ready(session, claim) else LotState.DONE,
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
