"""What became of a lot's messages, onto their rows: nearly all `sent`, in one statement; the few others one by one."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session

from newsletter.db import UtcDateTime
from newsletter.mail.outbox.dispatch import LotClaim
from newsletter.mail.outbox.message import TROUBLED, Attempt, Message, State
from newsletter.mail.outbox.record import Verdict

# What an outcome may be written onto: a worker slower than its lease finds its messages called uncertain, and its own
# token on them. That a server took it goes onto any row, also one that was called off meanwhile: it was on the wire.
_M = Message.__table__.c


def record_lot(session: Session, claim: LotClaim, verdicts: Sequence[Verdict], now: datetime) -> int:
    """Write outcomes, and in which words, onto the rows of a lot; how many are `sent` by that.

    What did not end in `sent` leaves an Attempt. May be asked again: a row that has its outcome is left alone.
    """
    alike: dict[tuple[str, int], list[Verdict]] = {}
    others = []
    for verdict in verdicts:
        if verdict.state is State.SENT:
            alike.setdefault((verdict.relay, verdict.code), []).append(verdict)
        else:
            others.append(verdict)
    count = sum([_record_sent(session, claim, *same, sent, now) for same, sent in alike.items()])
    if others:
        _record_others(session, claim, others, now)
    return count


# What nearly all of a campaign comes to: many rows in one statement, which is told only what differs between them.
# due_at and troubled_at change nothing there: PostgreSQL then updates the row in place (HOT).
_SENT = (
    "UPDATE messages SET state = 'sent', settled_at = :now, due_at = NULL, troubled_at = NULL, reply_code = :code, "
    "relay = :relay, attempts = messages.attempts + 1, reply = v.reply, "
    "revision_id = coalesce(CAST(:revision AS bigint), messages.revision_id) FROM {} AS v{} "
    "WHERE messages.id = v.id AND messages.id BETWEEN :first AND :last AND "
    "messages.state IN ('ready', 'uncertain', 'cancelled')"
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
                 now: datetime) -> int:  # fmt: skip
    connection = session.connection()
    values: dict[str, object] = {"now": now, "relay": relay, "code": code or None, "revision": claim.revision_id}
    values |= {"first": min(one.id for one in verdicts), "last": max(one.id for one in verdicts)}
    if session.get_bind().dialect.name == "postgresql":
        # A planner that has seen the table when nothing was ready expects one row, and would compare each row of the
        # lot with each outcome: half a minute for two thousand. Without that way it reads the range once, and hashes.
        connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
        ids, replies = (
            ",".join([str(one.id) for one in verdicts]),
            "\n".join([one.reply.replace("\n", " ") for one in verdicts]),
        )
        done = connection.execute(_SENT_POSTGRESQL, values | {"ids": ids, "replies": replies})
        connection.exec_driver_sql("SET LOCAL enable_nestloop = on")
    else:
        rows = json.dumps([(one.id, one.reply) for one in verdicts])
        done = connection.execute(_SENT_SQLITE, values | {"rows": rows})
    return done.rowcount


_RECORD = (
    update(Message.__table__)  # type: ignore[arg-type]
    .where(_M.id == bindparam("b_id"))
    .values(
        state=bindparam("b_state"), due_at=bindparam("b_due"), settled_at=bindparam("b_settled"),
        reply_code=bindparam("b_code"), reply=bindparam("b_reply"), relay=bindparam("b_relay"),
        attempts=_M.attempts + 1, troubled_at=bindparam("b_troubled"), claim_token=bindparam("b_uncertain_of"),
        revision_id=func.coalesce(bindparam("b_revision"), _M.revision_id),
    )
)  # fmt: skip


def _record_others(session: Session, claim: LotClaim, verdicts: Sequence[Verdict], now: datetime) -> None:
    look = select(_M.id, _M.state, _M.due_at, _M.claim_token).where(_M.id.in_([verdict.id for verdict in verdicts]))
    rows = {row.id: row for row in session.connection().execute(look.order_by(_M.id).with_for_update())}
    if ours := [
        one for one in verdicts
        if (row := rows.get(one.id)) and _may_say(one.state, row.state, row.due_at, row.claim_token == claim.token)
    ]:  # fmt: skip
        session.connection().execute(_RECORD, [_row(verdict, claim, now) for verdict in ours])
        session.execute(insert(Attempt), [_attempt(verdict, now) for verdict in ours])


def _may_say(told: State, state: State, due_at: datetime | None, is_ours: bool) -> bool:
    """Whether this may be written onto such a row. That nobody knows: only where nothing is known yet, and no person
    has asked for another try."""
    if told is State.UNCERTAIN:
        return state is State.READY and due_at is None
    return state is State.READY or (state is State.UNCERTAIN and is_ours)


def _row(verdict: Verdict, claim: LotClaim, now: datetime) -> dict[str, object]:
    return {
        "b_revision": claim.revision_id,
        "b_uncertain_of": claim.token if verdict.state is State.UNCERTAIN else None,
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
