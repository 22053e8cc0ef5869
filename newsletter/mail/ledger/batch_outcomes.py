"""Records a batch's outcomes: `sent`, nearly all of them, in one statement; the few others row by row."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session

from newsletter.db import UtcDateTime
from newsletter.mail.ledger.dispatch import BatchRange
from newsletter.mail.ledger.message import TROUBLED, Attempt, Message, State
from newsletter.mail.ledger.record import Outcome

_M = Message.__table__.c


def record_batch(session: Session, held: BatchRange, outcomes: Sequence[Outcome], now: datetime) -> int:
    """Write outcomes and the revision that went out onto a batch's rows; return how many became `sent`.

    Any other outcome adds an Attempt too. Idempotent: a row that has its outcome is left alone.
    """
    alike: dict[tuple[str, int], list[Outcome]] = {}
    others = []
    for outcome in outcomes:
        if outcome.state is State.SENT:
            alike.setdefault((outcome.relay, outcome.code), []).append(outcome)
        else:
            others.append(outcome)
    count = sum([_record_sent(session, held, *same, sent, now) for same, sent in alike.items()])
    if others:
        _record_others(session, held, others, now)
    return count


# Many rows in one statement, passing only the values that differ between them. due_at and troubled_at are NULL before
# and after, so PostgreSQL updates each row in place (HOT). "Sent" may also replace `cancelled`: a message cancelled
# while on the wire was sent all the same.
_SENT = (
    "UPDATE messages SET state = 'sent', settled_at = :now, due_at = NULL, troubled_at = NULL, reply_code = :code, "
    "relay = :relay, attempts = messages.attempts + 1, reply = v.reply, enhanced = NULL, reason = NULL, "
    "revision_id = coalesce(CAST(:revision AS bigint), messages.revision_id) FROM {} AS v{} "
    "WHERE messages.id = v.id AND messages.id BETWEEN :first AND :last AND "
    "messages.state IN ('ready', 'uncertain', 'cancelled')"
)
_NOW = bindparam("now", type_=UtcDateTime())
# Passing an array of text costs psycopg five times as much as one text that PostgreSQL splits.
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


def _record_sent(session: Session, held: BatchRange, relay: str, code: int, outcomes: Sequence[Outcome],
                 now: datetime) -> int:  # fmt: skip
    connection = session.connection()
    values: dict[str, object] = {"now": now, "relay": relay, "code": code or None, "revision": held.revision_id}
    values |= {"first": min(one.id for one in outcomes), "last": max(one.id for one in outcomes)}
    if session.get_bind().dialect.name == "postgresql":
        # If its statistics say that nothing is ready, the planner expects one row and chooses a nested loop: half a
        # minute for two thousand rows. Without nested loops it reads the range once and hashes.
        connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
        ids, replies = (
            ",".join([str(one.id) for one in outcomes]),
            "\n".join([one.reply.replace("\n", " ") for one in outcomes]),
        )
        done = connection.execute(_SENT_POSTGRESQL, values | {"ids": ids, "replies": replies})
        connection.exec_driver_sql("SET LOCAL enable_nestloop = on")
    else:
        rows = json.dumps([(one.id, one.reply) for one in outcomes])
        done = connection.execute(_SENT_SQLITE, values | {"rows": rows})
    return done.rowcount


_RECORD = (
    update(Message.__table__)  # type: ignore[arg-type]
    .where(_M.id == bindparam("b_id"))
    .values(
        state=bindparam("b_state"), due_at=bindparam("b_due"), settled_at=bindparam("b_settled"),
        reply_code=bindparam("b_code"), enhanced=bindparam("b_enhanced"), reply=bindparam("b_reply"),
        reason=bindparam("b_reason"), relay=bindparam("b_relay"),
        attempts=_M.attempts + 1, troubled_at=bindparam("b_troubled"), claim_token=bindparam("b_uncertain_of"),
        revision_id=func.coalesce(bindparam("b_revision"), _M.revision_id),
    )
)  # fmt: skip


def _record_others(session: Session, held: BatchRange, outcomes: Sequence[Outcome], now: datetime) -> None:
    look = select(_M.id, _M.state, _M.due_at, _M.claim_token).where(_M.id.in_([outcome.id for outcome in outcomes]))
    rows = {row.id: row for row in session.connection().execute(look.order_by(_M.id).with_for_update())}
    if ours := [
        one for one in outcomes
        if (row := rows.get(one.id)) and _may_record(one.state, row.state, row.due_at, row.claim_token == held.token)
    ]:  # fmt: skip
        session.connection().execute(_RECORD, [_row(outcome, held, now) for outcome in ours])
        session.execute(insert(Attempt), [_attempt(outcome, now) for outcome in ours])


def _may_record(new: State, state: State, due_at: datetime | None, is_ours: bool) -> bool:
    """Whether a row in `state` may take this outcome.

    It takes `uncertain` only while nothing is known and no retry was requested. A worker slower than its lease finds
    its messages uncertain under its own token: those still take its answer.
    """
    if new is State.UNCERTAIN:
        return state is State.READY and due_at is None
    return state is State.READY or (state is State.UNCERTAIN and is_ours)


def _row(outcome: Outcome, held: BatchRange, now: datetime) -> dict[str, object]:
    return {
        "b_revision": held.revision_id,
        "b_uncertain_of": held.token if outcome.state is State.UNCERTAIN else None,
        "b_id": outcome.id,
        "b_state": outcome.state,
        "b_due": outcome.due_at,
        "b_settled": None if outcome.due_at else now,
        "b_code": outcome.code or None,
        "b_enhanced": outcome.enhanced or None,
        "b_reply": outcome.reply or None,
        "b_reason": outcome.reason,
        "b_relay": outcome.relay,
        "b_troubled": now if outcome.state in TROUBLED else None,
    }


def _attempt(outcome: Outcome, now: datetime) -> dict[str, object]:
    return {
        "message_id": outcome.id, "at": now, "state": outcome.state, "relay": outcome.relay, "code": outcome.code,
        "enhanced": outcome.enhanced, "reply": outcome.reply, "reason": outcome.reason,
    }  # fmt: skip
