"""Sending again what failed, or may not have arrived: only ever because a person asks for it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from newsletter.db import IN_ONE_STATEMENT, Gone, batched, lock
from newsletter.mail.outbox import tally
from newsletter.mail.outbox.dispatch import Dispatch, Hold, of_dispatch
from newsletter.mail.outbox.message import Message, State

UNDECIDED = (State.UNCERTAIN, State.FAILED)


class NotAgain(ValueError):
    """This message cannot be sent again; the message says why."""


def send_again(session: Session, message: Message, now: datetime) -> None:
    """Put a failed or uncertain message back in the queue, under its own Message-ID: it may arrive twice.

    Whether the reader may still receive it is asked in the claim, as always. Raises NotAgain.
    """
    tally.strike_out(session, [message.id])
    try:
        lock(session, message)
    except Gone as gone:
        raise NotAgain("Its subscriber has been erased, and the message with them.") from gone
    if not message.is_troubled:
        raise NotAgain(f"Only a failed or uncertain message can be sent again; this one is {message.state}.")
    if message.dispatch_id:
        _may_go(session.get_one(Dispatch, message.dispatch_id))
    for name, value in _queued_again(now).items():
        setattr(message, name, value)
    session.flush()


def troubled(session: Session, dispatch: Dispatch, state: State) -> int:
    """How many of a dispatch's messages are in this state, and nobody has decided to leave them so."""
    return session.scalar(select(func.count(Message.id)).where(*_troubled(session, dispatch, state))) or 0


def send_all_again(session: Session, dispatch: Dispatch, state: State, now: datetime) -> int:
    """Put all failed, or all uncertain, messages of a dispatch back in the queue; how many. Raises NotAgain.

    Not those that the owner has looked at and left as they are.
    """
    _may_go(dispatch)
    ids = session.scalars(select(Message.id).where(*_troubled(session, dispatch, state)).order_by(Message.id)).all()
    tally.strike_out(session, ids)
    queued = 0
    for some in batched(ids, IN_ONE_STATEMENT):
        still = (Message.id.in_(some), Message.state == state, Message.reviewed_at.is_(None))
        locked = session.scalars(select(Message.id).where(*still).order_by(Message.id).with_for_update()).all()
        session.execute(
            update(Message)
            .where(Message.id.in_(locked))
            .values(**_queued_again(now))
            .execution_options(synchronize_session=False)
        )
        queued += len(locked)
    return queued


def _troubled(session: Session, dispatch: Dispatch, state: State) -> tuple[ColumnElement[bool], ...]:
    if state not in UNDECIDED:
        raise ValueError(f"{state} is nothing to send again")
    found = Message.troubled_at.is_not(None)  # an index knows these few
    return (*of_dispatch(session, dispatch.id), found, Message.state == state, Message.reviewed_at.is_(None))


def _may_go(dispatch: Dispatch) -> None:
    if dispatch.hold is not Hold.OPEN:
        raise NotAgain(f"Its campaign is {dispatch.hold}, so nothing of it is sent.")


def _queued_again(now: datetime) -> dict[str, Any]:
    return {
        "state": State.READY, "due_at": now, "settled_at": None, "troubled_at": None, "claim_token": None,
        "lease_until": None, "reviewed_at": None,
        "attempts": 0,  # patience begins anew; what was tried stays on record
    }  # fmt: skip
