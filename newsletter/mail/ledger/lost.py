"""Dead workers' messages: recovered when their lease runs out, requeued when a journal shows they never left."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.db import IN_ONE_STATEMENT, batched
from newsletter.mail.ledger import counts
from newsletter.mail.ledger.dispatch import Dispatch, Hold
from newsletter.mail.ledger.message import Attempt, Lane, Message, State
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.ledger.row_claims import by_index, open_state, was_uncertain

SECOND_TRY = timedelta(minutes=15)
BACK_IN_TIME = {True: timedelta(hours=72), False: timedelta(hours=1)}
"""How long after becoming uncertain a message that never left is still requeued, by whether it is of a batch. A single
one gets less: by then a series has gone on, and a guide has had its second try."""


def recover_rows(session: Session, now: datetime) -> tuple[int, int]:
    """Recover what dead workers held; return how many were released, and became uncertain. Called by a beat tick.

    A claimed message has not left: it is ready again. One that was `sending` may have arrived. Bulk mail becomes
    `uncertain`. A confirmation or guide, which a person waits for, is tried once more after 15 minutes under the same
    Message-ID, by which a receiver recognises a second copy.
    """
    by_index(session)
    expired = session.execute(
        select(Message.id, Message.state, Message.lane)
        .where(Message.state.in_((State.CLAIMED, State.SENDING)), Message.lease_until < now)
        .order_by(Message.id)
        .with_for_update(skip_locked=True)  # its worker is recording it right now
    ).all()
    claimed = [id for id, state, _ in expired if state is State.CLAIMED]
    for some in batched(claimed, IN_ONE_STATEMENT):
        session.execute(
            update(Message)
            .where(Message.id.in_(some))
            .values(state=open_state(), claim_token=None, lease_until=None)
            .execution_options(synchronize_session=False)
        )
    lost = [(id, lane) for id, state, lane in expired if state is State.SENDING]
    return len(claimed), sum([_mark_uncertain(session, id, lane, now) for id, lane in lost])


def _mark_uncertain(session: Session, id: int, lane: Lane, now: datetime) -> bool:
    """Mark one message uncertain. It keeps its token: its worker may still report (`record`, `requeue`)."""
    again = lane is Lane.TRANSACTIONAL and not was_uncertain(session, id)
    changed = session.execute(
        update(Message)
        .where(Message.id == id, Message.state == State.SENDING, Message.lease_until < now)
        .values(
            state=State.DEFERRED if again else State.UNCERTAIN,
            due_at=now + SECOND_TRY if again else None,
            lease_until=None,
            troubled_at=now,
            settled_at=None if again else now,
            enhanced=None,
            reply=None,
            reason=Reason.LOST,
            attempts=Message.attempts + 1,
        )
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount:  # type: ignore[attr-defined]
        session.add(
            Attempt(message_id=id, at=now, state=State.UNCERTAIN, reason=Reason.LOST, relay="", code=0, reply="")
        )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def requeue(session: Session, token: str, ids: Collection[int], now: datetime, *, of_batch: bool) -> None:
    """Requeue messages this claim marked as sending that never left, if they became uncertain meanwhile.

    Only while uncertain because of this claim: another may have marked them since. Not those an owner has reviewed,
    nor after `BACK_IN_TIME`. A batch's message goes out with its dispatch's current revision: its reader has seen no
    other.
    """
    if not ids:
        return
    revision = select(Dispatch.revision_id).where(Dispatch.id == Message.dispatch_id).correlate(Message)
    never_left = _never_left(token, now - BACK_IN_TIME[of_batch], revision.where(Dispatch.hold != Hold.CANCELLED))
    found = session.scalars(select(Message.id).where(Message.id.in_(ids), *never_left).order_by(Message.id)).all()
    if not found:
        return
    counts.invalidate(session, found)
    back = session.scalars(
        update(Message)
        .where(Message.id.in_(found), *never_left)
        .values(
            state=State.DEFERRED, reason=None, due_at=now, settled_at=None, claim_token=None,
            attempts=Message.attempts - 1,
            revision_id=revision.scalar_subquery() if of_batch else Message.revision_id,
        )
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    if not back:
        return
    # It was never on the wire, so it was no attempt: a guide keeps its second try.
    untrue = select(func.max(Attempt.id)).where(Attempt.message_id.in_(back), Attempt.reason == Reason.LOST)
    session.execute(delete(Attempt).where(Attempt.id.in_(untrue.group_by(Attempt.message_id))))


def _never_left(token: str, since: datetime, going: Select[int]) -> tuple[ColumnElement[bool], ...]:
    """The conditions: uncertain since `since` through this claim alone, not reviewed, its dispatch `going`."""
    return (
        Message.claim_token == token, Message.state.in_((State.UNCERTAIN, State.DEFERRED)),
        Message.reason == Reason.LOST, Message.troubled_at >= since, Message.reviewed_at.is_(None),
        or_(Message.dispatch_id.is_(None), going.exists()),
    )  # fmt: skip


def stop_requeueing(session: Session, *conditions: ColumnElement[bool]) -> None:
    """Stop requeueing the uncertain messages under these conditions."""
    session.execute(
        update(Message)
        .where(Message.state == State.UNCERTAIN, Message.reason == Reason.LOST, *conditions)
        .values(reason=Reason.LOST_UNWANTED)
        .execution_options(synchronize_session=False)
    )
