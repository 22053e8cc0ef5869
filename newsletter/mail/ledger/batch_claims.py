"""Batch claims: claims a campaign's messages two thousand at a time, and recovers them when a worker dies.

The lease and its fencing token are on the batch, not on its rows, and `sending_to` advances (under the token) before
messages leave. A worker that lost its lease or cannot reach the database cannot advance it, so it sends nothing more.
Rows are written only once, with their outcome.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BindParameter,
    ColumnElement,
    CursorResult,
    Integer,
    Select,
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
from newsletter.mail.ledger import counts
from newsletter.mail.ledger.batch_outcomes import record_batch
from newsletter.mail.ledger.digest import enter
from newsletter.mail.ledger.dispatch import IS_OPEN, Batch, BatchRange, BatchState, Dispatch, Hold
from newsletter.mail.ledger.message import Message, State
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.ledger.record import Outcome
from newsletter.mail.ledger.row_claims import LEASE, ClaimedMessage, OwnFields, no_own_fields
from newsletter.subscribers import (
    FIRST_NAME,
    MergeField,
    Stream,
    Subscriber,
    own_values,
    receives_campaigns,
    takes_topic,
)

_B, _D = cast(Table, Batch.__table__), cast(Table, Dispatch.__table__)
# Core statements, built once: a dozen batches are claimed per second.
_FREE = (
    select(
        _B.c.id, _B.c.dispatch_id, _B.c.first_id, _B.c.last_id, _B.c.counts, _D.c.revision_id, _D.c.created_at,
        _D.c.topic_id,
    )
    .join(_D, _D.c.id == _B.c.dispatch_id)
    .where(IS_OPEN, _D.c.hold == Hold.OPEN)
    .where(or_(_B.c.not_before.is_(None), _B.c.not_before <= bindparam("now", type_=UtcDateTime())))
    .order_by(_B.c.id)
    .limit(1)
    # Locks the dispatch first, shared: a claim waits for whoever is changing its content (`has_no_claimed_batch`).
    .with_statement_hint("FOR KEY SHARE OF dispatches FOR UPDATE OF batches SKIP LOCKED", "postgresql")
)  # fmt: skip
_BATCH: BindParameter[int] = bindparam("batch")
_TOKEN: BindParameter[str] = bindparam("token")
_LEASE = bindparam("lease", type_=UtcDateTime())
_SKIPPED = bindparam("skipped", type_=JSON(none_as_null=True))
_OURS = (_B.c.id == _BATCH, _B.c.claim_token == _TOKEN)
# The dispatch may send, and still has the content that the claim has read.
_GOES = exists().where(_D.c.id == _B.c.dispatch_id, _D.c.hold == Hold.OPEN, _D.c.revision_id == bindparam("revision"))
_CLAIM = (
    update(_B)
    .where(_B.c.id == _BATCH, _B.c.state == BatchState.OPEN, _GOES)
    .values(
        state=BatchState.CLAIMED, claim_token=_TOKEN, lease_until=_LEASE, sending_to=bindparam("to"),
        not_before=None, skipped=None, counts=None,
    )
)  # fmt: skip
_MARK_SENDING = (
    update(_B)
    .where(*_OURS, _B.c.state == BatchState.CLAIMED, _GOES)
    .values(sending_to=bindparam("to"), lease_until=_LEASE, skipped=func.coalesce(_SKIPPED, _B.c.skipped))
)
_UNCOUNTED = update(_B).where(_B.c.id == _BATCH).values(counts=None)
_LOCK = select(_B.c.id).where(*_OURS).with_for_update()
_RENEW = update(_B).where(*_OURS).values(lease_until=_LEASE)
_DONE = (
    update(_B)
    .where(*_OURS)
    .values(state=BatchState.DONE, claim_token=None, lease_until=None, not_before=None, counts=bindparam("counted"))
)


def claim_batch(session: Session, token: str, now: datetime, mark: int = 0,
                own_fields: OwnFields = no_own_fields,
                ) -> tuple[BatchRange, list[ClaimedMessage], set[int]] | None:  # fmt: skip
    """Claim the oldest open batch of a dispatch that is not held; return None if there is none.

    Returns the range, its messages, and the ids already marked as sending: the first `mark`, which saves a commit.
    Eligibility is joined in: a message whose reader may no longer receive it is `cancelled` here and left out. So is
    one whose reader takes the weekly mail; it is entered there.
    """
    connection = session.connection()
    # Two statements: PostgreSQL may run a subquery with LIMIT once per row, and then claim several batches.
    chosen = connection.execute(_FREE, {"now": now}).first()
    if chosen is None:
        return None
    id, dispatch, first, last, counted, revision, created_at, topic = chosen
    held = BatchRange(
        id=id,
        token=token,
        dispatch_id=dispatch,
        first_id=first,
        last_id=last,
        revision_id=revision,
        size=sum((counted or {}).values()),
        topic_id=topic,
    )
    messages = _messages(session, held, created_at, now, own_fields(session, [revision]))
    marked = [message.id for message in messages[:mark]]
    lease = {"token": token, "lease": now + LEASE, "to": marked[-1] if marked else 0}
    if not _changed(connection.execute(_CLAIM, {"batch": id, "revision": revision, **lease})):
        connection.execute(_UNCOUNTED, {"batch": id})  # some messages may have been cancelled all the same
        return None
    return held, messages, set(marked)


def _rows(held: BatchRange) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Message.id.between(held.first_id, held.last_id), Message.dispatch_id == held.dispatch_id


_M, _S = Message.__table__.c, Subscriber.__table__.c
_IN_BATCH = (_M.id.between(bindparam("first"), bindparam("last")), _M.dispatch_id == bindparam("dispatch"))


def _waiting(may: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(_M.id, _M.subscriber_id, _S.email, _S.first_name, _S.language, func.coalesce(may, false()), _S.digest)
        .select_from(Message.__table__.outerjoin(Subscriber.__table__, _S.id == _M.subscriber_id))
        .where(*_IN_BATCH, _M.state == State.READY, _M.due_at.is_(None))
        .order_by(_M.id)
    )


# All its rows are a campaign's, so only that kind of consent is checked.
_WAITING = _waiting(receives_campaigns())
# A separate statement: a campaign to the whole newsletter need not check topics.
_WAITING_OF_TOPIC = _waiting(receives_campaigns() & takes_topic(bindparam("topic", type_=Integer())))
_NOT_READY = select(_M.id).where(*_IN_BATCH, _M.state != State.READY)


def _messages(session: Session, held: BatchRange, at: datetime, now: datetime,
              named: Collection[MergeField]) -> list[ClaimedMessage]:  # fmt: skip
    dispatch, revision = held.dispatch_id, held.revision_id
    span = {"first": held.first_id, "last": held.last_id, "dispatch": dispatch}
    context: dict[str, object] = {}
    messages, gone, weekly = [], [], []
    waiting = _WAITING if held.topic_id is None else _WAITING_OF_TOPIC.params(topic=held.topic_id)
    rows = session.connection().execute(waiting, span).all()
    own = own_values(session, named, [person for _, person, *_ in rows if person]) if named else {}
    for id, person, email, name, language, may, digest in rows:
        if may and digest:
            weekly.append(id)
        elif may:
            fields = {FIRST_NAME: name, **own[person]} if person in own else {FIRST_NAME: name}
            messages.append(
                ClaimedMessage(id, Stream.CAMPAIGN, 0, at, person, email, fields, revision, dispatch, context, language)
            )
        else:
            gone.append(id)
    if gone:
        session.execute(
            update(Message)
            .where(Message.id.in_(gone), Message.state == State.READY)
            .values(state=State.CANCELLED, settled_at=now, reason=Reason.NOT_ELIGIBLE)
            .execution_options(synchronize_session=False)
        )
    if weekly:
        enter(session, weekly, now)
    return messages


def mark_batch_sending(session: Session, held: BatchRange, ids: Sequence[int], now: datetime,
              skipped: Collection[int] = ()) -> set[int]:  # fmt: skip
    """Advance `sending_to` to the last of these ids (ascending) before any leaves; return the ids that may go.

    `skipped`: all messages of this claim held back so far; some may lie before that last id. An empty result means
    that another claim has taken over, or that the dispatch is held or has new content. A missing id was cancelled.
    """
    there = {"batch": held.id, "token": held.token, "revision": held.revision_id}
    moved = {"to": ids[-1], "lease": now + LEASE, "skipped": sorted(skipped) or None}
    if not _changed(session.connection().execute(_MARK_SENDING, there | moved)):
        return set()
    span = {"first": ids[0], "last": ids[-1], "dispatch": held.dispatch_id}
    return set(ids).difference(session.connection().execute(_NOT_READY, span).scalars())


def renew_batch(session: Session, held: BatchRange, now: datetime) -> bool:
    """Renew the lease; return whether this claim still holds the batch."""
    ours = {"batch": held.id, "token": held.token, "lease": now + LEASE}
    return _changed(session.connection().execute(_RENEW, ours))


def lock_batch(session: Session, held: BatchRange) -> bool:
    """Lock a batch's row before its messages are changed; return whether this claim still holds it."""
    return session.connection().execute(_LOCK, {"batch": held.id, "token": held.token}).first() is not None


def release_batch(session: Session, held: BatchRange, not_before: datetime | None = None, sent: int = 0) -> None:
    """Release a batch the caller has locked (`lock_batch`): done if no message still waits with it, else open.

    `sent`: how many of its rows became `sent` in this transaction. If that is all, nothing need be counted.
    """
    if sent and sent == held.size:
        ours = {"batch": held.id, "token": held.token}
        session.connection().execute(_DONE, ours | {"counted": {State.SENT.value: sent}})
        return
    found, kept = counts.count_batch(session, held.id)
    session.execute(
        update(Batch)
        .where(Batch.id == held.id)
        .values(
            state=BatchState.OPEN if found.get(State.READY) and _has_ready(session, held) else BatchState.DONE,
            claim_token=None, lease_until=None, not_before=not_before, counts=kept,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def _has_ready(session: Session, held: BatchRange) -> bool:
    look = select(Message.id).where(*_rows(held), Message.state == State.READY, Message.due_at.is_(None)).limit(1)
    return session.scalar(look) is not None


def recover_batches(session: Session, now: datetime, tokens: Collection[str] | None = None) -> int:
    """Recover batches whose lease ran out, or those of dead workers' `tokens`; return how many messages are uncertain.

    A message up to `sending_to` without an outcome may have arrived: it becomes `uncertain`, never resent unasked.
    """
    dead = Batch.lease_until < now if tokens is None else Batch.claim_token.in_(tokens)
    batches = session.scalars(
        select(Batch)
        .where(Batch.state == BatchState.CLAIMED, dead)
        .order_by(Batch.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    lost = 0
    for batch in batches:
        revision = revision_being_sent(session, batch)
        held = BatchRange(
            id=batch.id,
            token=batch.claim_token or "",
            dispatch_id=batch.dispatch_id,
            first_id=batch.first_id,
            last_id=batch.last_id,
            revision_id=revision,
        )
        with_it = (Message.state == State.READY, Message.due_at.is_(None))  # not those that now wait by themselves
        up_to = select(Message.id).where(*_rows(held), Message.id <= batch.sending_to, *with_it)
        unknown = set(session.scalars(up_to)).difference(batch.skipped or ())
        outcomes = [Outcome(id, State.UNCERTAIN, 0, "", "", reason=Reason.LOST) for id in unknown]
        record_batch(session, held, outcomes, now)
        release_batch(session, held)
        lost += len(unknown)
    return lost


def revision_being_sent(session: Session, batch: Batch) -> int:
    """The revision a claimed batch goes out with; a dispatch keeps its revision while a batch is claimed."""
    return session.scalars(select(Dispatch.revision_id).where(Dispatch.id == batch.dispatch_id)).one()


def rewind_batch(session: Session, token: str) -> None:
    """Reset `sending_to`, because the journal knows exactly what left (see `mail.journal`)."""
    session.execute(
        update(Batch)
        .where(Batch.claim_token == token, Batch.state == BatchState.CLAIMED)
        .values(sending_to=0)
        .execution_options(synchronize_session=False)
    )


def _changed(result: object) -> bool:
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
