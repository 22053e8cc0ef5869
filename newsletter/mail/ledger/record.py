"""Records outcomes: turns what servers said into the states of rows, many in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from newsletter.mail.ledger import counts
from newsletter.mail.ledger.message import TROUBLED, Attempt, Message, State
from newsletter.mail.ledger.reasons import Reason

# A worker slower than its lease finds its message `uncertain`, or due for a second try. If the server's reply arrives
# after all, that reply is the truth.
LATE = (State.CLAIMED, State.SENDING, State.UNCERTAIN, State.DEFERRED)

_MESSAGES = Message.__table__
_WRITE = (
    update(_MESSAGES)  # type: ignore[arg-type]
    .where(
        _MESSAGES.c.id == bindparam("b_id"),
        _MESSAGES.c.claim_token == bindparam("b_token"),
        or_(*(_MESSAGES.c.state == state for state in LATE)),  # IN does not work with executemany
    )
    .values(
        state=bindparam("b_state"),
        due_at=bindparam("b_due"),
        settled_at=bindparam("b_settled"),
        reply_code=bindparam("b_code"),
        enhanced=bindparam("b_enhanced"),
        reply=bindparam("b_reply"),
        reason=bindparam("b_reason"),
        relay=bindparam("b_relay"),
        attempts=_MESSAGES.c.attempts + bindparam("b_counts"),
        troubled_at=bindparam("b_troubled"),
        claim_token=None,
        lease_until=None,
    )
)


@dataclass(slots=True)
class Outcome:
    """What is recorded about one try of a message."""

    id: int
    state: State
    code: int
    reply: str
    relay: str
    due_at: datetime | None = None
    """When it is tried again: deferred, or ready again if no attempt is counted."""
    is_attempt: bool = True
    """Whether it counts as an attempt; False: the trouble was the relay's."""
    uncertain: bool = False
    """Whether the server may have it, even if it is tried once more."""
    enhanced: str = ""
    """The enhanced status code of a refusal (RFC 3463)."""
    reason: Reason | None = None
    """Set where the outcome is our own decision, not a server's reply."""


def record(session: Session, token: str, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write outcomes onto this claim's rows; a try that did not end in `sent` adds an Attempt too.

    Idempotent: a row that has its outcome is no longer this claim's.
    """
    if not outcomes:
        return
    outcomes = sorted(outcomes, key=lambda outcome: outcome.id)
    counts.invalidate(session, [outcome.id for outcome in outcomes])
    tries = {v.id: _attempt(v, now) for v in outcomes if v.state is not State.SENT and v.is_attempt}
    ours = (Message.id.in_(tries), Message.claim_token == token, Message.state.in_(LATE))
    held = (
        session.scalars(select(Message.id).where(*ours).order_by(Message.id).with_for_update()).all() if tries else []
    )
    session.execute(_WRITE, [_row(v, token, now) for v in outcomes])
    if held:
        session.execute(insert(Attempt), [tries[id] for id in held])


def detach_guide(session: Session, message_id: int) -> bool:
    """Send a message with only a link to its guide from now on; return False if none was attached."""
    message = session.get(Message, message_id, with_for_update=True)
    guide = (message.context or {}).get("guide") if message else None
    if message is None or not isinstance(guide, dict) or not guide.get("attached"):
        return False
    message.context = {**(message.context or {}), "guide": {**guide, "attached": False}}
    session.flush()
    return True


def _row(outcome: Outcome, token: str, now: datetime) -> dict[str, object]:
    return {
        "b_id": outcome.id,
        "b_token": token,
        "b_state": outcome.state,
        "b_due": outcome.due_at,
        "b_troubled": now if outcome.state in TROUBLED else None,
        "b_settled": None if outcome.due_at else now,
        "b_code": outcome.code or None,
        "b_enhanced": outcome.enhanced or None,
        "b_reply": outcome.reply or None,
        "b_reason": outcome.reason,
        "b_relay": outcome.relay,
        "b_counts": int(outcome.is_attempt),
    }


def _attempt(outcome: Outcome, now: datetime) -> dict[str, object]:
    return {
        "message_id": outcome.id,
        "at": now,
        "state": State.UNCERTAIN if outcome.uncertain else outcome.state,
        "relay": outcome.relay,
        "code": outcome.code,
        "enhanced": outcome.enhanced,
        "reply": outcome.reply,
        "reason": outcome.reason,
    }
