"""Row claims: claims, renews, marks as sending and releases messages that wait by themselves, row by row.

Each change is one conditional UPDATE that names the state it starts from and the claim's token (a fencing token). A
worker whose lease ran out finds that its updates touch no row, and sends nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, literal, or_, select, true, update
from sqlalchemy.orm import Session

from newsletter.accounts import Owner
from newsletter.db import Moment
from newsletter.mail.ledger import counts
from newsletter.mail.ledger.digest import enter, reopen
from newsletter.mail.ledger.dispatch import Dispatch, Hold
from newsletter.mail.ledger.message import OPEN, Attempt, Lane, Message, State
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.ledger.trial import Trial, alike
from newsletter.subscribers import (
    FIRST_NAME,
    Fields,
    MergeField,
    Stream,
    Subscriber,
    own_values,
    receivable,
    takes_topic,
)

LEASE = timedelta(seconds=45)
ASKED_FOR = (
    Stream.CONFIRM, Stream.GUIDE, Stream.GOODBYE, Stream.PROVE, Stream.TEST, Stream.NOTICE, Stream.RESET, Stream.LOGIN,
)  # fmt: skip
"""Mail a person has just asked for, and notices to the owner: the send lock lets these through."""


NOBODY = ("", None)
"""First name and language where a message is not a test filled in for a reader."""
OwnFields = Callable[[Session, Collection[int]], Collection[MergeField]]
"""Returns which of the owner's own fields these revisions use: a claim reads only those."""


def no_own_fields(_session: Session, _revisions: Collection[int]) -> Collection[MergeField]:
    """No fields, for mail that uses none."""
    return ()


@dataclass(slots=True)
class ClaimedMessage:
    """What delivery needs to know about a claimed message, read once and without the ORM."""

    id: int
    stream: Stream
    attempts: int
    created_at: datetime
    subscriber_id: int | None
    email: str
    fields: Fields
    """The reader's field values that the content uses; always the first name, for the To line."""
    revision_id: int | None
    dispatch_id: int | None
    context: dict[str, Any]
    language: str | None = None
    """The reader's; None: the newsletter's."""


def claim_rows(session: Session, lane: Lane, token: str, now: datetime, limit: int,
               above: int | None = None, own_fields: OwnFields = no_own_fields) -> list[ClaimedMessage]:  # fmt: skip
    """Claim up to `limit` due messages of a lane under a lease, oldest first.

    The same UPDATE checks eligibility: a message whose reader may no longer receive it becomes `cancelled`. A campaign
    message whose reader takes the weekly mail is entered there.
    `above`: the send lock is on; only mail people have asked for, with ids above this one, may go (`Installation`).
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
            reason=case((may, Message.reason), else_=literal(Reason.NOT_ELIGIBLE, Message.reason.type)),
        )
        .execution_options(synchronize_session=False)
    )
    return _messages(session, token, ids, own_fields, now)


def _may_receive() -> ColumnElement[bool]:
    return or_(
        Message.owner_id.is_not(None),
        select(true())
        .where(Subscriber.id == Message.subscriber_id, receivable(Message.stream.expression), ~_unwanted_topic())
        .correlate(Message)
        .exists(),
    )


def _unwanted_topic() -> ColumnElement[bool]:
    """The condition that its campaign has a topic its reader does not take."""
    about = select(Dispatch.id).where(
        Dispatch.id == Message.dispatch_id, Dispatch.topic_id.is_not(None), ~takes_topic(Dispatch.topic_id.expression)
    )
    return about.correlate(Message, Subscriber).exists()


def _lock_due(session: Session, lane: Lane, now: datetime, limit: int, above: int | None) -> Sequence[int]:
    if lane is Lane.TRANSACTIONAL:
        ours = due(lane, now)
        if above is not None:
            ours = ours.where(Message.id > above, Message.stream.in_(ASKED_FOR))
        return session.scalars(ours.limit(limit).with_for_update(skip_locked=True, of=Message)).all()
    # Some belong to batches, which are locked before rows: select, lock the batches, then lock the rows still due.
    # Two workers that see the same rows queue at the batch, and the second one selects again.
    for _ in range(2):
        seen = session.scalars(due(lane, now).limit(limit)).all()
        if not seen:
            return []
        counts.invalidate(session, seen)
        still_due = due(lane, now).where(Message.id.in_(seen)).order_by(None).order_by(Message.id)
        if ids := session.scalars(still_due.with_for_update(of=Message)).all():
            return ids
    return []


def due(lane: Lane, now: Moment) -> Select[int]:
    """The SELECT of messages that wait by themselves and may be claimed, oldest first."""
    return (
        select(Message.id)
        .outerjoin(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(
            Message.lane == lane,
            Message.state.in_(OPEN),
            Message.due_at.is_not(None),  # implied, but makes the partial index apply
            Message.due_at <= now,
            or_(Message.dispatch_id.is_(None), Dispatch.hold == Hold.OPEN),
        )
        .order_by(Message.due_at, Message.id)
    )


def _messages(session: Session, token: str, ids: Sequence[int], own_fields: OwnFields,
              now: datetime) -> list[ClaimedMessage]:  # fmt: skip
    rows = session.execute(
        select(
            Message.id, Message.stream, Message.attempts, Message.created_at, Message.subscriber_id,
            Subscriber.email, Owner.email, Subscriber.first_name,
            Message.revision_id, Message.dispatch_id, Message.context,
            Subscriber.language, and_(Message.stream == Stream.CAMPAIGN, Subscriber.digest),
        )
        .outerjoin(Subscriber, Subscriber.id == Message.subscriber_id)
        .outerjoin(Owner, Owner.id == Message.owner_id)
        .where(Message.id.in_(ids), Message.claim_token == token, Message.state == State.CLAIMED)
        .order_by(Message.id)
    ).all()  # fmt: skip
    rows = _singly(session, rows, ids, now)
    trials = {row[0]: Trial.of(row[1], row[10]) for row in rows}
    like = alike(session, trials.values())
    named = own_fields(session, {row[8] for row in rows if row[8]})
    people = {row[4] for row in rows if row[4]} | like.keys()
    held = own_values(session, named, people) if named else {}
    return [
        ClaimedMessage(
            id, stream, tries, at, person, email or trials[id].to or owner,
            {FIRST_NAME: name or like.get(trials[id].like, NOBODY)[0], **held.get(person or trials[id].like, {})},
            revision, dispatch, context or {}, language or like.get(trials[id].like, NOBODY)[1],
        )
        for id, stream, tries, at, person, email, owner, name, revision, dispatch, context, language, _ in rows
    ]  # fmt: skip


def _singly(session: Session, rows: Sequence[Any], ids: Sequence[int], now: datetime) -> Sequence[Any]:
    """The claim's rows that go singly; enter the others for their readers' weekly mail."""
    if len(rows) < len(ids):  # some were cancelled: perhaps a weekly mail, marked as sending when its reader pressed
        reopen(session, ids, now)
    if weekly := {row[0] for row in rows if row[-1]}:
        enter(session, weekly, now)
        return [row for row in rows if row[0] not in weekly]
    return rows


def mark_sending(session: Session, token: str, ids: list[int], now: datetime) -> set[int]:
    """Mark messages as sending before their first byte leaves; return the ids that may go. Idempotent.

    A message missing from the result must not be sent: it was cancelled, its reader has left, its dispatch is
    held, or another claim has taken over.
    """
    held = select(Dispatch.id).where(Dispatch.id == Message.dispatch_id, Dispatch.hold != Hold.OPEN).correlate(Message)
    marked = session.scalars(
        update(Message)
        .where(Message.id.in_(ids), Message.claim_token == token, ~held.exists())
        .where(Message.state.in_((State.CLAIMED, State.SENDING)), _may_receive())
        .values(state=State.SENDING, lease_until=now + LEASE)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    return set(marked)


def held_by(token: str, ids: Collection[int] | None = None) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The conditions for what a claim holds. Give its `ids` where they are known.

    Without them, a planner that has no statistics yet assumes that nearly every row is leased, and reads the whole
    table.
    """
    look = Message.lease_until.is_not(None) if ids is None else Message.id.in_(ids)
    return look, Message.claim_token == token


def by_index(session: Session) -> None:
    """Make PostgreSQL prefer indexes until the transaction ends (see `held_by`)."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")


def renew(session: Session, token: str, ids: Collection[int], now: datetime) -> None:
    """Renew the lease on the messages that the claim still holds."""
    session.execute(
        update(Message)
        .where(*held_by(token, ids), Message.state.in_((State.CLAIMED, State.SENDING)))
        .values(lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )


def postpone(session: Session, token: str, until: Mapping[int, datetime]) -> None:
    """Set a new `due_at` for messages that a claim holds and has not marked as sending."""
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


def release(session: Session, token: str, skipped: Collection[int] = (),
            ids: Collection[int] | None = None) -> None:  # fmt: skip
    """Release what a claim holds and has not sent, because the worker stops or the dispatch is held.

    `skipped`: ids marked as sending that never reached the transport. `ids`: all that the claim holds, where
    that is known.
    """
    unsent = or_(
        Message.state == State.CLAIMED,
        and_(Message.state == State.SENDING, Message.id.in_(skipped)),
    )
    session.execute(
        update(Message)
        .where(*held_by(token, ids), unsent)
        .values(state=open_state(), claim_token=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def was_uncertain(session: Session, message_id: int) -> bool:
    """Whether an earlier try of this message ended as uncertain."""
    look = select(Attempt.id).where(Attempt.message_id == message_id, Attempt.state == State.UNCERTAIN)
    return session.scalar(look.limit(1)) is not None


def first_try(session: Session, message_id: int, attempts: int) -> datetime | None:
    """When the first of the last `attempts` was; None if none is on record. "Send again" restarts the count."""
    newest = select(Attempt.at).where(Attempt.message_id == message_id).order_by(Attempt.id.desc())
    return session.scalar(newest.offset(max(attempts - 1, 0)).limit(1))


def open_state() -> Any:
    """The state of a released message: deferred if it was tried before, else ready."""
    return case((Message.attempts > 0, State.DEFERRED), else_=State.READY)
