"""Messages of dead workers: taken back when their lease has run out, and put back when their journal knows better."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.db import IN_ONE_STATEMENT, batched
from newsletter.mail.outbox import tally
from newsletter.mail.outbox.claims import by_index, open_state, was_uncertain
from newsletter.mail.outbox.dispatch import Dispatch, Hold
from newsletter.mail.outbox.message import Attempt, Lane, Message, State

SECOND_TRY = timedelta(minutes=15)
BACK_IN_TIME = {True: timedelta(hours=72), False: timedelta(hours=1)}
"""How long after they were called uncertain messages that never left still go, once their worker's host tells so: those
of a lot, and single ones (a series has gone on since, a guide has had its second try)."""
LOST = "The worker stopped while this was being handed over; the server may have it."


def recover(session: Session, now: datetime) -> tuple[int, int]:
    """Take back what dead workers held: (given back, uncertain). Asked by a beat tick, several times a minute.

    Nothing of a merely claimed message has left: it is ready again. One handed over may have arrived: it is
    `uncertain` for good when it is bulk; a person waits for a confirmation or a guide, so that is tried once more
    after 15 minutes under the same Message-ID (a receiver that has it can tell).
    """
    by_index(session)
    expired = session.execute(
        select(Message.id, Message.state, Message.lane)
        .where(Message.state.in_((State.CLAIMED, State.HANDED_OVER)), Message.lease_until < now)
        .order_by(Message.id)
        .with_for_update(skip_locked=True)  # its worker is about to tell itself
    ).all()
    claimed = [id for id, state, _ in expired if state is State.CLAIMED]
    for some in batched(claimed, IN_ONE_STATEMENT):
        session.execute(
            update(Message)
            .where(Message.id.in_(some))
            .values(state=open_state(), claim_token=None, lease_until=None)
            .execution_options(synchronize_session=False)
        )
    lost = [(id, lane) for id, state, lane in expired if state is State.HANDED_OVER]
    return len(claimed), sum([_given_up(session, id, lane, now) for id, lane in lost])


def _given_up(session: Session, id: int, lane: Lane, now: datetime) -> bool:
    """Say of one message that nobody knows. It keeps the token: its worker may still tell (`record`, `put_back`)."""
    again = lane is Lane.TRANSACTIONAL and not was_uncertain(session, id)
    changed = session.execute(
        update(Message)
        .where(Message.id == id, Message.state == State.HANDED_OVER, Message.lease_until < now)
        .values(
            state=State.DEFERRED if again else State.UNCERTAIN,
            due_at=now + SECOND_TRY if again else None,
            lease_until=None,
            troubled_at=now,
            settled_at=None if again else now,
            reply=LOST,
            attempts=Message.attempts + 1,
        )
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount:  # type: ignore[attr-defined]
        session.add(Attempt(message_id=id, at=now, state=State.UNCERTAIN, relay="", code=0, reply=LOST))
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def put_back(session: Session, token: str, ids: Collection[int], now: datetime, *, of_lot: bool) -> None:
    """Messages that this claim had begun, and that never left: those called uncertain meanwhile go out now.

    Only while they are uncertain because of this claim: it may be that another one has begun them since. Not where a
    person has decided about one, nor where it was given up longer ago than `BACK_IN_TIME`. One of a lot goes in the
    words that its dispatch has by now, for its reader has seen no others.
    """
    if not ids:
        return
    words = select(Dispatch.revision_id).where(Dispatch.id == Message.dispatch_id).correlate(Message)
    going = words.where(Dispatch.hold != Hold.CANCELLED)
    never_left = (
        Message.claim_token == token, Message.state.in_((State.UNCERTAIN, State.DEFERRED)),
        Message.reply == LOST, Message.troubled_at >= now - BACK_IN_TIME[of_lot], Message.reviewed_at.is_(None),
        or_(Message.dispatch_id.is_(None), going.exists()),
    )  # fmt: skip
    found = session.scalars(select(Message.id).where(Message.id.in_(ids), *never_left).order_by(Message.id)).all()
    if not found:
        return
    tally.strike_out(session, found)
    back = session.scalars(
        update(Message)
        .where(Message.id.in_(found), *never_left)
        .values(
            state=State.DEFERRED, due_at=now, settled_at=None, claim_token=None, attempts=Message.attempts - 1,
            revision_id=words.scalar_subquery() if of_lot else Message.revision_id,
        )
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    if not back:
        return
    # That it was handed over proved untrue, so it was no try: a guide still has its second one.
    untrue = select(func.max(Attempt.id)).where(Attempt.message_id.in_(back), Attempt.reply == LOST)
    session.execute(delete(Attempt).where(Attempt.id.in_(untrue.group_by(Attempt.message_id))))


def let_rest(session: Session, *conditions: ColumnElement[bool]) -> None:
    """Messages under these conditions of which nobody knows whether they left: they are not put back any more."""
    session.execute(
        update(Message)
        .where(Message.state == State.UNCERTAIN, Message.reply == LOST, *conditions)
        .values(reply=f"{LOST} Not wanted any more.")
        .execution_options(synchronize_session=False)
    )
