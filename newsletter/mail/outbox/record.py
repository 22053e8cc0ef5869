"""Recording outcomes in batches: what a server said becomes the state of the row, in one transaction for many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from newsletter.mail.outbox import tally
from newsletter.mail.outbox.message import TROUBLED, Attempt, Message, State

# A worker that waited longer than its lease finds its message `uncertain`, or due for a second try: if then the
# server's answer comes after all, the answer is the truth.
LATE = (State.CLAIMED, State.HANDED_OVER, State.UNCERTAIN, State.DEFERRED)


@dataclass(slots=True)
class Verdict:
    """What one outcome means for its message."""

    id: int
    state: State
    code: int
    reply: str
    relay: str
    due_at: datetime | None = None
    """When it is tried again (deferred, or ready again where no attempt counts)."""
    counts: bool = True
    """Whether this was an attempt of the message (False: the relay's own trouble)."""
    uncertain: bool = False
    """Whether nobody knows if the server has it, also where it is tried once more."""


def record(session: Session, token: str, verdicts: Sequence[Verdict], now: datetime) -> None:
    """Write outcomes onto the rows of this claim; every try that did not end in `sent` leaves an Attempt too.

    May be asked again: with its outcome a row is no longer this claim's.
    """
    if not verdicts:
        return
    verdicts = sorted(verdicts, key=lambda verdict: verdict.id)
    tally.strike_out(session, [verdict.id for verdict in verdicts])
    messages = Message.__table__
    statement = (
        update(messages)  # type: ignore[arg-type]
        .where(
            messages.c.id == bindparam("b_id"),
            messages.c.claim_token == bindparam("b_token"),
            or_(*(messages.c.state == state for state in LATE)),  # IN cannot be sent once for many rows
        )
        .values(
            state=bindparam("b_state"),
            due_at=bindparam("b_due"),
            settled_at=bindparam("b_settled"),
            reply_code=bindparam("b_code"),
            reply=bindparam("b_reply"),
            relay=bindparam("b_relay"),
            attempts=messages.c.attempts + bindparam("b_counts"),
            troubled_at=bindparam("b_troubled"),
            claim_token=None,
            lease_until=None,
        )
    )
    tries = {v.id: _attempt(v, now) for v in verdicts if v.state is not State.SENT and v.counts}
    ours = (Message.id.in_(tries), Message.claim_token == token, Message.state.in_(LATE))
    held = (
        session.scalars(select(Message.id).where(*ours).order_by(Message.id).with_for_update()).all() if tries else []
    )
    session.execute(statement, [_row(v, token, now) for v in verdicts])
    if held:
        session.execute(insert(Attempt), [tries[id] for id in held])


def take_off_guide(session: Session, message_id: int) -> bool:
    """A message whose guide is attached goes with the link alone from now on. False: nothing was attached to it."""
    message = session.get(Message, message_id, with_for_update=True)
    guide = (message.context or {}).get("guide") if message else None
    if message is None or not isinstance(guide, dict) or not guide.get("attached"):
        return False
    message.context = {**(message.context or {}), "guide": {**guide, "attached": False}}
    session.flush()
    return True


def _row(verdict: Verdict, token: str, now: datetime) -> dict[str, object]:
    return {
        "b_id": verdict.id,
        "b_token": token,
        "b_state": verdict.state,
        "b_due": verdict.due_at,
        "b_troubled": now if verdict.state in TROUBLED else None,
        "b_settled": None if verdict.due_at else now,
        "b_code": verdict.code or None,
        "b_reply": verdict.reply,
        "b_relay": verdict.relay,
        "b_counts": int(verdict.counts),
    }


def _attempt(verdict: Verdict, now: datetime) -> dict[str, object]:
    return {
        "message_id": verdict.id,
        "at": now,
        "state": State.UNCERTAIN if verdict.uncertain else verdict.state,
        "relay": verdict.relay,
        "code": verdict.code,
        "reply": verdict.reply,
    }
