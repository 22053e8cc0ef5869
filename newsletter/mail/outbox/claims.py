"""Claims: how a worker takes messages, keeps them, begins them, and how they come back when it dies.

Every change is one conditional UPDATE that names the state it starts from and the token of the claim (a fencing
token): a worker whose lease ran out finds that its updates touch no row, and sends nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, or_, select, true, update
from sqlalchemy.orm import Session

from newsletter.accounts import Owner
from newsletter.mail.outbox import tally
from newsletter.mail.outbox.dispatch import Dispatch, Hold
from newsletter.mail.outbox.message import OPEN, Attempt, Lane, Message, State
from newsletter.subscribers import Stream, Subscriber, receivable

LEASE = timedelta(seconds=45)
ASKED_FOR = (Stream.CONFIRM, Stream.GUIDE, Stream.GOODBYE, Stream.TEST, Stream.NOTICE)
"""What somebody waits for who has just pressed a button, and what the owner is told: the send lock lets it through."""
NOT_ELIGIBLE = "Not sent: the person may not receive this any more."


@dataclass(slots=True)
class Letter:
    """What delivery needs to know of a claimed message, read once, without the ORM."""

    id: int
    stream: Stream
    attempts: int
    created_at: datetime
    subscriber_id: int | None
    email: str
    first_name: str
    revision_id: int | None
    dispatch_id: int | None
    context: dict[str, Any]


def claim(session: Session, lane: Lane, token: str, now: datetime, limit: int,
          above: int | None = None) -> list[Letter]:  # fmt: skip
    """Take up to `limit` due messages of a lane under a lease, oldest first.

    Eligibility is asked in the same UPDATE: a message whose person may not receive it any more becomes `cancelled`.
    `above`: the send lock holds, and only what people have asked for since then goes, which are messages above that
    number (see `Installation`).
    """
    ids = _lock_due(session, lane, now, limit, above)
    if not ids:
        return []
    may = _may_receive()
    session.execute(
        update(Message)
        .where(Message.id.in_(ids), Message.state.in_(OPEN))
        .values(
            state=case((may, State.CLAIMED), else_=State.CANCELLED),
            claim_token=case((may, token), else_=None),
            lease_until=case((may, now + LEASE), else_=None),
            settled_at=case((may, None), else_=now),
            due_at=case((may, Message.due_at), else_=None),
            reply=case((may, Message.reply), else_=NOT_ELIGIBLE),
        )
        .execution_options(synchronize_session=False)
    )
    return _letters(session, token, ids)


def _may_receive() -> ColumnElement[bool]:
    return or_(
        Message.owner_id.is_not(None),
        select(true())
        .where(Subscriber.id == Message.subscriber_id, receivable(Message.stream.expression))
        .correlate(Message)
        .exists(),
    )


def _lock_due(session: Session, lane: Lane, now: datetime, limit: int, above: int | None) -> Sequence[int]:
    if lane is Lane.TRANSACTIONAL:
        due = _due(lane, now)
        if above is not None:
            due = due.where(Message.id > above, Message.stream.in_(ASKED_FOR))
        return session.scalars(due.limit(limit).with_for_update(skip_locked=True, of=Message)).all()
    # Some lie in lots, and lots are locked before rows: look, lock the lots, then the rows that are still due.
    # Two workers that see the same ones queue up there; who comes second looks again.
    for _ in range(2):
        seen = session.scalars(_due(lane, now).limit(limit)).all()
        if not seen:
            return []
        tally.strike_out(session, seen)
        still_due = _due(lane, now).where(Message.id.in_(seen)).order_by(None).order_by(Message.id)
        if ids := session.scalars(still_due.with_for_update(of=Message)).all():
            return ids
    return []


def _due(lane: Lane, now: datetime) -> Select[int]:
    return (
        select(Message.id)
        .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(
            Message.lane == lane,
            Message.state.in_(OPEN),
            Message.due_at.is_not(None),  # says to the database that its index of the few that wait will do
            Message.due_at <= now,
            or_(Message.dispatch_id.is_(None), Dispatch.hold == Hold.OPEN),
        )
        .order_by(Message.due_at, Message.id)
    )


def _letters(session: Session, token: str, ids: Sequence[int]) -> list[Letter]:
    rows = session.execute(
        select(
            Message.id, Message.stream, Message.attempts, Message.created_at, Message.subscriber_id,
            Subscriber.email, Owner.email, Subscriber.first_name,
            Message.revision_id, Message.dispatch_id, Message.context,
        )
        .outerjoin(Subscriber, Subscriber.id == Message.subscriber_id)
        .outerjoin(Owner, Owner.id == Message.owner_id)
        .where(Message.id.in_(ids), Message.claim_token == token, Message.state == State.CLAIMED)
        .order_by(Message.id)
    )  # fmt: skip
    return [
        Letter(id, stream, attempts, created, subscriber, email or owner, name or "", revision, dispatch, context or {})
        for id, stream, attempts, created, subscriber, email, owner, name, revision, dispatch, context in rows
    ]


def begin(session: Session, token: str, ids: list[int], now: datetime) -> set[int]:
    """Mark messages as handed over, before the first byte of them leaves; the ids that may go. May be asked again.

    An id that is missing from the answer must not be sent: it was called off, its reader has left since, its dispatch
    was held, or the lease is somebody else's by now.
    """
    held = select(Dispatch.id).where(Dispatch.id == Message.dispatch_id, Dispatch.hold != Hold.OPEN).correlate(Message)
    begun = session.scalars(
        update(Message)
        .where(Message.id.in_(ids), Message.claim_token == token, ~held.exists())
        .where(Message.state.in_((State.CLAIMED, State.HANDED_OVER)), _may_receive())
        .values(state=State.HANDED_OVER, lease_until=now + LEASE)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    return set(begun)


def held_by(token: str, ids: Collection[int] | None = None) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """What this claim holds. Whoever knows its `ids` names them, for then no planner can go astray: one that has not
    seen the table yet takes it that nearly everything is under a lease, and reads all of it."""
    look = Message.lease_until.is_not(None) if ids is None else Message.id.in_(ids)
    return look, Message.claim_token == token


def by_index(session: Session) -> None:
    """To the end of this transaction PostgreSQL does not read a whole table where an index will do (see `held_by`)."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")


def keep(session: Session, token: str, ids: Collection[int], now: datetime) -> None:
    """Prolong the lease on those of these that a claim still holds."""
    session.execute(
        update(Message)
        .where(*held_by(token, ids), Message.state.in_((State.CLAIMED, State.HANDED_OVER)))
        .values(lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )


def postpone(session: Session, token: str, until: Mapping[int, datetime]) -> None:
    """Say of messages that a claim holds and has not begun when they are offered again."""
    moments: dict[datetime, list[int]] = {}
    for id, moment in until.items():
        moments.setdefault(moment, []).append(id)
    for moment, ids in moments.items():
        session.execute(
            update(Message)
            .where(Message.id.in_(ids), Message.claim_token == token, Message.state == State.CLAIMED)
            .values(due_at=moment)
            .execution_options(synchronize_session=False)
        )


def release(session: Session, token: str, kept_back: Collection[int] = (),
            ids: Collection[int] | None = None) -> None:  # fmt: skip
    """Give back what a claim took and did not send: the worker stops, or the dispatch is held.

    `kept_back`: ids that were begun, but which the caller knows never reached the transport. `ids`: all that the claim
    took, where that is known.
    """
    unsent = or_(
        Message.state == State.CLAIMED,
        and_(Message.state == State.HANDED_OVER, Message.id.in_(kept_back)),
    )
    session.execute(
        update(Message)
        .where(*held_by(token, ids), unsent)
        .values(state=open_state(), claim_token=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def was_uncertain(session: Session, message_id: int) -> bool:
    """Whether an earlier try of this message ended without anybody knowing."""
    look = select(Attempt.id).where(Attempt.message_id == message_id, Attempt.state == State.UNCERTAIN)
    return session.scalar(look.limit(1)) is not None


def first_try(session: Session, message_id: int, attempts: int) -> datetime | None:
    """When the first of these attempts was; None if none is on record. After "send again" they are counted anew."""
    newest = select(Attempt.at).where(Attempt.message_id == message_id).order_by(Attempt.id.desc())
    return session.scalar(newest.offset(max(attempts - 1, 0)).limit(1))


def open_state() -> Any:
    """What a message that is let go becomes: tried before, or not."""
    return case((Message.attempts > 0, State.DEFERRED), else_=State.READY)
