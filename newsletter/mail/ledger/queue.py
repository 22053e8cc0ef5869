"""Puts messages into the ledger, and cancels those that no worker has marked as sending."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Insert, Integer, cast, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.accounts import Owner
from newsletter.articles import Article, Revision
from newsletter.db import IN_ONE_STATEMENT, batched
from newsletter.mail.ledger import counts
from newsletter.mail.ledger.dispatch import Batch, BatchState, Dispatch, Hold
from newsletter.mail.ledger.message import OPEN, Lane, Message, State, cancelled
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.ledger.row_claims import by_index
from newsletter.subscribers import Stream, Subscriber
from newsletter.zones import OwnTime

BATCH_SIZE = 2000
"""Messages in a batch. They share one claim and one recording, which take some hundredths of a second."""


ERASING = 7309
"""PostgreSQL advisory lock that separates writing recipients from erasing one of them."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One of many messages queued together."""

    subscriber_id: int
    idempotency_key: str
    revision_id: int | None
    context: dict[str, Any]


def queue(session: Session, to: Subscriber | Owner, stream: Stream, key: str, now: datetime, *,
          revision: Revision | None = None, context: dict[str, Any] | None = None,
          due_at: datetime | None = None, held_back: Reason | None = None) -> tuple[Message, bool]:  # fmt: skip
    """The message to this person under this idempotency `key`, and whether it is new. Idempotent.

    `held_back`: why it must not be sent; it is then recorded as cancelled from the start.
    """
    who = Message.owner_id == to.id if isinstance(to, Owner) else Message.subscriber_id == to.id
    look = select(Message).where(who, Message.idempotency_key == key)
    if known := session.scalar(look):
        return known, False
    message = Message(
        subscriber_id=to.id if isinstance(to, Subscriber) else None,
        owner_id=to.id if isinstance(to, Owner) else None,
        stream=stream,
        idempotency_key=key,
        lane=Lane.of(stream),
        created_at=now,
        due_at=None if held_back else due_at or now,
        state=State.CANCELLED if held_back else State.READY,
        settled_at=now if held_back else None,
        reason=held_back,
        revision_id=revision.id if revision else None,
        context=context,
    )
    try:
        with session.begin_nested():
            session.add(message)
        return message, True
    except IntegrityError:  # queued by someone else since our SELECT
        return session.scalars(look).one(), False


def newest(session: Session) -> int:
    """The id of the newest message; 0 while there is none."""
    return session.scalar(select(func.max(Message.id))) or 0


def queue_many(
    session: Session, stream: Stream, new: Collection[NewMessage], now: datetime
) -> dict[tuple[int, str], int]:
    """Queue many messages in two statements; return their ids by subscriber and idempotency key.

    All must be new: otherwise the database refuses all of them (IntegrityError).
    """
    if not new:
        return {}
    alike = {"stream": stream, "lane": Lane.of(stream), "created_at": now, "due_at": now, "attempts": 0}
    session.execute(insert(Message.__table__), [alike | asdict(one) for one in new])  # type: ignore[arg-type]
    rows = session.execute(
        select(Message.subscriber_id, Message.idempotency_key, Message.id).where(
            Message.subscriber_id.in_({one.subscriber_id for one in new}),
            Message.idempotency_key.in_({one.idempotency_key for one in new}),
        )
    )
    return {(person or 0, key): id for person, key, id in rows}


def fill(session: Session, dispatch: Dispatch, audience: ColumnElement[bool], now: datetime, chunk: int,
         own: OwnTime | None = None) -> int:  # fmt: skip
    """Write the next `chunk` recipients of a dispatch by INSERT … SELECT; return how many. Sets `filled_at` at the end.

    Call it in one transaction per chunk: `filled_to` advances with the rows, so it can stop anywhere. `own`: each
    reader gets it at this time in their current zone; a batch holds readers of one instant.
    """
    if session.get_bind().dialect.name == "postgresql":  # makes an erasure wait (migration 0003)
        session.execute(select(func.pg_advisory_xact_lock_shared(ERASING)))
    left = (audience, Subscriber.id > dispatch.filled_to, Subscriber.id <= dispatch.fill_until)
    upto, groups = _next_chunk(session, dispatch, left, chunk, own)
    columns = {
        "subscriber_id": Subscriber.id,
        "stream": literal(Stream.CAMPAIGN, Message.stream.type),
        "idempotency_key": literal(dispatch.idempotency_key),
        "lane": literal(Lane.BULK, Message.lane.type),
        "state": literal(State.READY, Message.state.type),
        "created_at": literal(now, Message.created_at.type),
        "attempts": literal(0),
        "revision_id": literal(dispatch.revision_id),
        "dispatch_id": literal(dispatch.id),
    }
    written = 0
    for opens_at, theirs in groups:
        before, chosen = newest(session), select(*columns.values()).where(*theirs).order_by(Subscriber.id)
        added = _written(session, list(columns), chosen)
        waits = opens_at is not None and opens_at > now
        _cut_batches(session, dispatch.id, before, added, opens_at, BatchState.WAITING if waits else BatchState.OPEN)
        written += added
    dispatch.filled_to = upto
    if upto == dispatch.fill_until:
        dispatch.filled_at = now
    return written


Group = tuple[datetime | None, tuple[ColumnElement[bool], ...]]
"""Readers who may share a batch: when it opens, and the condition that selects them."""


def _next_chunk(session: Session, dispatch: Dispatch, left: tuple[ColumnElement[bool], ...], chunk: int,
                own: OwnTime | None) -> tuple[int, list[Group]]:  # fmt: skip
    """The last subscriber id of the next chunk, and its groups."""
    if own is None:
        end = session.scalar(select(Subscriber.id).where(*left).order_by(Subscriber.id).offset(chunk - 1).limit(1))
        upto = dispatch.fill_until if end is None else end
        return upto, [(None, (*left, Subscriber.id <= upto))]
    # Zones are read once: a reader whose zone changes meanwhile would otherwise be in two groups, or in none.
    people = session.execute(select(Subscriber.id, Subscriber.zone).where(*left).order_by(Subscriber.id).limit(chunk))
    found: dict[datetime, list[int]] = {}
    instants: dict[str | None, datetime] = {}
    rows = people.all()
    for id, zone in rows:
        if zone not in instants:
            instants[zone] = own.instant(zone)
        found.setdefault(instants[zone], []).append(id)
    groups: list[Group] = [
        (at, (Subscriber.id.in_(some),)) for at in sorted(found) for some in batched(found[at], BATCH_SIZE)
    ]
    return (rows[-1][0] if len(rows) == chunk else dispatch.fill_until), groups


def _written(session: Session, columns: list[str], rows: Any) -> int:
    """Write the rows; return how many. A plain INSERT is cheaper; fall back to ON CONFLICT where some exist already."""
    connection, counted = session.connection(), {"preserve_rowcount": True}
    try:
        with connection.begin_nested():
            return connection.execute(insert(Message).from_select(columns, rows), execution_options=counted).rowcount
    except IntegrityError:
        return connection.execute(_ignoring_known(session, columns, rows), execution_options=counted).rowcount


def _cut_batches(session: Session, dispatch_id: int, newest_before: int, written: int, opens_at: datetime | None,
                 state: BatchState) -> None:  # fmt: skip
    """Split the rows just written, with ids above `newest_before`, into batches."""
    last = newest(session)
    if last - newest_before == written:  # no other id lies between: the ranges can be computed
        spans = [(one, min(one + BATCH_SIZE - 1, last)) for one in range(newest_before + 1, last + 1, BATCH_SIZE)]
        batches = [(first, last, last - first + 1) for first, last in spans]
    else:
        batches = _looked_up(session, dispatch_id, newest_before)
    opening: dict[str, Any] = {"dispatch_id": dispatch_id, "opens_at": opens_at, "state": state}
    session.add_all(
        Batch(first_id=first, last_id=last, counts={State.READY.value: size}, **opening)
        for first, last, size in batches
    )


def _looked_up(session: Session, dispatch_id: int, newest_before: int) -> list[tuple[int, int, int]]:
    """The batches of the rows just written: first id, last id, size."""
    place = func.row_number().over(order_by=Message.id) - 1
    fresh = (
        select(Message.id, cast(func.floor(place / BATCH_SIZE), Integer).label("batch"))
        .where(Message.dispatch_id == dispatch_id, Message.id > newest_before)
        .subquery()
    )
    ranges = select(func.min(fresh.c.id), func.max(fresh.c.id), func.count())
    look = ranges.group_by(fresh.c.batch).order_by(fresh.c.batch)
    return [(first, last, size) for first, last, size in session.execute(look)]


def _ignoring_known(session: Session, columns: list[str], rows: Any) -> Insert:
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        return postgresql.insert(Message).from_select(columns, rows).on_conflict_do_nothing()
    if dialect == "sqlite":
        # "WHERE true"-less INSERT … SELECT … ON CONFLICT is ambiguous to SQLite; our SELECT always has a WHERE.
        return sqlite.insert(Message).from_select(columns, rows).on_conflict_do_nothing()
    return insert(Message).from_select(columns, rows)


def cancel(session: Session, now: datetime, reason: Reason, *conditions: ColumnElement[bool]) -> int:
    """Cancel every message under these conditions that is not being sent; return how many.

    Meant for one person's messages. A whole dispatch is cancelled by its hold (`cancel_next_batch`).
    """
    open_ = (Message.state.in_((*OPEN, State.CLAIMED)), *conditions)
    ids = session.scalars(select(Message.id).where(*open_).order_by(Message.id)).all()
    counts.invalidate(session, ids)
    called_off = 0
    for some in batched(ids, IN_ONE_STATEMENT):
        # Locked by id, as everywhere, to avoid deadlocks. A message marked as sending meanwhile is no longer open.
        locked = session.scalars(
            select(Message.id).where(Message.id.in_(some), *open_).order_by(Message.id).with_for_update()
        ).all()
        session.execute(update(Message).where(Message.id.in_(locked)).values(**cancelled(now, reason)))
        called_off += len(locked)
    return called_off


def cancel_next_batch(session: Session, now: datetime, reason: Reason) -> bool:
    """Cancel the rows of one batch of a cancelled dispatch; return False if no such batch is left.

    The hold already stops it; this only updates its million rows, one batch per transaction.
    """
    batch = session.scalars(
        select(Batch)
        .join(Dispatch, Dispatch.id == Batch.dispatch_id)
        .where(Batch.state == BatchState.OPEN, Dispatch.hold == Hold.CANCELLED)
        .order_by(Batch.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Batch)
        .execution_options(populate_existing=True)
    ).first()
    if batch is None:
        return False
    session.execute(
        update(Message)
        .where(Message.dispatch_id == batch.dispatch_id, Message.id.between(batch.first_id, batch.last_id))
        .where(Message.state == State.READY)
        .values(**cancelled(now, reason))
        .execution_options(synchronize_session=False)
    )
    _, kept = counts.count_batch(session, batch.id)
    batch.state, batch.counts = BatchState.DONE, kept
    return True


def cancel_late(session: Session, now: datetime, reason: Reason, limit: int = 1_000) -> int:
    """Cancel what was on the wire when its dispatch was cancelled and now waits for another try; return how many."""
    by_index(session)
    late = session.scalars(
        select(Message.id)
        .join(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(Message.lane == Lane.BULK, Message.due_at.is_not(None), Message.state.in_(OPEN))
        .where(Dispatch.hold == Hold.CANCELLED)
        .limit(limit)
    ).all()
    return cancel(session, now, reason, Message.id.in_(late)) if late else 0


def update_waiting_steps(session: Session, article: Article, now: datetime) -> int:
    """Give untried series mails that wait the article's newest revision, due at once; return how many."""
    waits = (
        Message.state == State.DEFERRED, Message.lane == Lane.BULK, Message.due_at.is_not(None),
        Message.stream == Stream.STEP, Message.attempts == 0,
        Message.revision_id.in_([one.id for one in article.revisions]),
    )  # fmt: skip
    ids = session.scalars(select(Message.id).where(*waits).order_by(Message.id).with_for_update()).all()
    for some in batched(ids, IN_ONE_STATEMENT):
        session.execute(
            update(Message)
            .where(Message.id.in_(some))
            .values(revision_id=article.current.id, due_at=now)
            .execution_options(synchronize_session=False)
        )
    return len(ids)
