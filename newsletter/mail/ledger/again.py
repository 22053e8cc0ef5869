"""Sends failed or uncertain messages again, only when a person asks for it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from newsletter.db import IN_ONE_STATEMENT, Gone, batched, lock
from newsletter.languages import said
from newsletter.mail.ledger import counts
from newsletter.mail.ledger.dispatch import Dispatch, Hold, of_dispatch
from newsletter.mail.ledger.message import Message, State

UNDECIDED = (State.UNCERTAIN, State.FAILED)


class NotAgain(ValueError):
    """A message cannot be sent again; the error's text says why."""


def send_again(session: Session, message: Message, now: datetime) -> None:
    """Queue a failed or uncertain message again, under its own Message-ID: it may arrive twice.

    The claim still checks whether the reader may receive it. Raises NotAgain.
    """
    counts.invalidate(session, [message.id])
    try:
        lock(session, message)
    except Gone as gone:
        raise NotAgain(said("Its subscriber has been erased, and the message with them.")) from gone
    if not message.is_troubled:
        raise NotAgain(
            said("Only a failed or uncertain message can be sent again; this one is %(state)s.", state=message.state)
        )
    if message.dispatch_id:
        _may_go(session.get_one(Dispatch, message.dispatch_id))
    for name, value in _queued_again(now).items():
        setattr(message, name, value)
    session.flush()


def count_troubled(session: Session, dispatch: Dispatch, state: State) -> int:
    """Count a dispatch's messages in this state, except those the owner decided to leave so."""
    return session.scalar(select(func.count(Message.id)).where(*_troubled(session, dispatch, state))) or 0


def send_all_again(session: Session, dispatch: Dispatch, state: State, now: datetime) -> int:
    """Queue all failed, or all uncertain, messages of a dispatch again; return how many. Raises NotAgain.

    Those the owner has reviewed stay as they are.
    """
    _may_go(dispatch)
    ids = session.scalars(select(Message.id).where(*_troubled(session, dispatch, state)).order_by(Message.id)).all()
    counts.invalidate(session, ids)
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
    found = Message.troubled_at.is_not(None)  # uses the partial index of these few
    return (*of_dispatch(session, dispatch.id), found, Message.state == state, Message.reviewed_at.is_(None))


def _may_go(dispatch: Dispatch) -> None:
    if dispatch.hold is not Hold.OPEN:
        raise NotAgain(said("Its campaign is %(hold)s, so nothing of it is sent.", hold=dispatch.hold))


def _queued_again(now: datetime) -> dict[str, Any]:
    return {
        "state": State.READY, "due_at": now, "settled_at": None, "troubled_at": None, "claim_token": None,
        "lease_until": None, "reviewed_at": None,
        "attempts": 0,  # the retry schedule starts again; earlier attempts stay on record
    }  # fmt: skip
