"""Lots: how a worker takes a campaign's messages two thousand at a time, and how they come back when it dies.

The lease and its fencing token are on the lot, not on the rows, and `begun_to` is moved on (under the token) before
messages leave. A worker that lost its lease, or cannot reach the database, cannot move it on and so sends nothing
more. The rows themselves are written once: with their outcome.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import (
    JSON,
    BindParameter,
    ColumnElement,
    CursorResult,
    Table,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from newsletter.db import UtcDateTime
from newsletter.mail.outbox import tally
from newsletter.mail.outbox.claims import LEASE, NOT_ELIGIBLE, Letter
from newsletter.mail.outbox.dispatch import Dispatch, Hold, Lot, LotClaim, LotState
from newsletter.mail.outbox.lost import LOST
from newsletter.mail.outbox.lot_outcomes import record_lot
from newsletter.mail.outbox.message import Message, State
from newsletter.mail.outbox.record import Verdict
from newsletter.subscribers import Stream, Subscriber, receivable

_L, _D = cast(Table, Lot.__table__), cast(Table, Dispatch.__table__)
# Statements without the ORM, built once: a dozen lots go by in a second.
_FREE = (
    select(_L.c.id, _L.c.dispatch_id, _L.c.first_id, _L.c.last_id, _L.c.tally, _D.c.revision_id, _D.c.created_at)
    .join(_D, _D.c.id == _L.c.dispatch_id)
    .where(_L.c.state == LotState.OPEN, _D.c.hold == Hold.OPEN)
    .where(or_(_L.c.not_before.is_(None), _L.c.not_before <= bindparam("now", type_=UtcDateTime())))
    .order_by(_L.c.id)
    .limit(1)
    # The dispatch's row first, shared: a claim waits for whoever is changing its words (`words.is_still`).
    .with_statement_hint("FOR KEY SHARE OF dispatches FOR UPDATE OF lots SKIP LOCKED", "postgresql")
)
_LOT: BindParameter[int] = bindparam("lot")
_TOKEN: BindParameter[str] = bindparam("token")
_LEASE = bindparam("lease", type_=UtcDateTime())
_KEPT = bindparam("kept", type_=JSON(none_as_null=True))
_OURS = (_L.c.id == _LOT, _L.c.claim_token == _TOKEN)
# It may go out, in the words that its claim has read.
_GOES = exists().where(_D.c.id == _L.c.dispatch_id, _D.c.hold == Hold.OPEN, _D.c.revision_id == bindparam("revision"))
_CLAIM = (
    update(_L)
    .where(_L.c.id == _LOT, _L.c.state == LotState.OPEN, _GOES)
    .values(
        state=LotState.CLAIMED, claim_token=_TOKEN, lease_until=_LEASE, begun_to=bindparam("to"),
        not_before=None, kept_back=None, tally=None,
    )
)  # fmt: skip
_BEGIN = (
    update(_L)
    .where(*_OURS, _L.c.state == LotState.CLAIMED, _GOES)
    .values(begun_to=bindparam("to"), lease_until=_LEASE, kept_back=func.coalesce(_KEPT, _L.c.kept_back))
)
_UNCOUNTED = update(_L).where(_L.c.id == _LOT).values(tally=None)
_HELD = select(_L.c.id).where(*_OURS).with_for_update()
_KEEP = update(_L).where(*_OURS).values(lease_until=_LEASE)
_DONE = (
    update(_L)
    .where(*_OURS)
    .values(state=LotState.DONE, claim_token=None, lease_until=None, not_before=None, tally=bindparam("counted"))
)


def claim_lot(session: Session, token: str, now: datetime,
              begin: int = 0) -> tuple[LotClaim, list[Letter], set[int]] | None:  # fmt: skip
    """Take the oldest open lot of a dispatch that is not held; None when there is none.

    The claim, its letters, and which of them are begun with it: the first `begin`, which is one commit less than to
    begin them afterwards. Eligibility is joined in: whoever may not receive it any more is `cancelled` here and is not
    among the letters.
    """
    connection = session.connection()
    # Two statements: PostgreSQL may run a subquery with LIMIT once for each row, and so claim several lots.
    chosen = connection.execute(_FREE, {"now": now}).first()
    if chosen is None:
        return None
    id, dispatch, first, last, counted, revision, created_at = chosen
    claim = LotClaim(id, token, dispatch, first, last, revision, sum((counted or {}).values()))
    letters = _letters(session, claim, created_at, now)
    begun = [letter.id for letter in letters[:begin]]
    lease = {"token": token, "lease": now + LEASE, "to": begun[-1] if begun else 0}
    if not _changed(connection.execute(_CLAIM, {"lot": id, "revision": revision, **lease})):
        connection.execute(_UNCOUNTED, {"lot": id})  # it was looked through all the same: some may be `cancelled` now
        return None
    return claim, letters, set(begun)


def _rows(claim: LotClaim) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Message.id.between(claim.first_id, claim.last_id), Message.dispatch_id == claim.dispatch_id


_M, _S = Message.__table__.c, Subscriber.__table__.c
_IN_LOT = (_M.id.between(bindparam("first"), bindparam("last")), _M.dispatch_id == bindparam("dispatch"))
_WAITING = (
    select(_M.id, _M.subscriber_id, _S.email, _S.first_name, func.coalesce(receivable(_M.stream), false()))
    .select_from(Message.__table__.outerjoin(Subscriber.__table__, _S.id == _M.subscriber_id))
    .where(*_IN_LOT, _M.state == State.READY, _M.due_at.is_(None))
    .order_by(_M.id)
)
_NOT_READY = select(_M.id).where(*_IN_LOT, _M.state != State.READY)


def _letters(session: Session, claim: LotClaim, at: datetime, now: datetime) -> list[Letter]:
    dispatch, revision = claim.dispatch_id, claim.revision_id
    span = {"first": claim.first_id, "last": claim.last_id, "dispatch": dispatch}
    context: dict[str, object] = {}
    letters, gone = [], []
    for id, person, email, name, may in session.connection().execute(_WAITING, span).all():
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
    there = {"lot": claim.id, "token": claim.token, "revision": claim.revision_id}
    moved = {"to": ids[-1], "lease": now + LEASE, "kept": sorted(kept_back) or None}
    if not _changed(session.connection().execute(_BEGIN, there | moved)):
        return set()
    span = {"first": ids[0], "last": ids[-1], "dispatch": claim.dispatch_id}
    return set(ids).difference(session.connection().execute(_NOT_READY, span).scalars())


def keep_lot(session: Session, claim: LotClaim, now: datetime) -> bool:
    """Prolong the lease; whether it is still this claim's."""
    ours = {"lot": claim.id, "token": claim.token, "lease": now + LEASE}
    return _changed(session.connection().execute(_KEEP, ours))


def hold_lot(session: Session, claim: LotClaim) -> bool:
    """Lock a lot's row before its messages are changed; whether it is still this claim's."""
    return session.connection().execute(_HELD, {"lot": claim.id, "token": claim.token}).first() is not None


def release_lot(session: Session, claim: LotClaim, not_before: datetime | None = None, sent: int = 0) -> None:
    """Let go of a lot that the caller holds (`hold_lot`): done when every message has an outcome, else open again.

    `sent`: how many of its rows this transaction has made `sent`. If that is all of them, nothing need be counted.
    """
    if sent and sent == claim.size:
        ours = {"lot": claim.id, "token": claim.token}
        session.connection().execute(_DONE, ours | {"counted": {State.SENT.value: sent}})
        return
    found, kept = tally.count_lot(session, claim.id)
    session.execute(
        update(Lot)
        .where(Lot.id == claim.id)
        .values(
            state=LotState.OPEN if found.get(State.READY) and _has_ready(session, claim) else LotState.DONE,
            claim_token=None, lease_until=None, not_before=not_before, tally=kept,
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
        .order_by(Lot.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    lost = 0
    for lot in lots:
        words = words_under_way(session, lot)
        claim = LotClaim(lot.id, lot.claim_token or "", lot.dispatch_id, lot.first_id, lot.last_id, words)
        with_it = (Message.state == State.READY, Message.due_at.is_(None))  # and not what waits by itself by now
        up_to = select(Message.id).where(*_rows(claim), Message.id <= lot.begun_to, *with_it)
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
