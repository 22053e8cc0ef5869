"""Putting messages into the ledger, and taking back those that no worker has begun."""

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
from newsletter.mail.outbox import tally
from newsletter.mail.outbox.claims import by_index
from newsletter.mail.outbox.dispatch import Dispatch, Hold, Lot, LotState
from newsletter.mail.outbox.message import OPEN, Lane, Message, State
from newsletter.subscribers import Stream, Subscriber

LOT = 2000
"""Messages in a lot: some hundredths of a second of work, and what one claim and one recording are shared by."""


ERASING = 7309
"""PostgreSQL's advisory lock between writing recipients and erasing one of them."""


@dataclass(frozen=True, slots=True)
class NewMail:
    """One of many mails that are queued together."""

    subscriber_id: int
    occasion: str
    revision_id: int
    context: dict[str, Any]


def queue(session: Session, to: Subscriber | Owner, stream: Stream, occasion: str, now: datetime, *,
          revision: Revision | None = None, context: dict[str, Any] | None = None,
          due_at: datetime | None = None, held_back: str = "") -> tuple[Message, bool]:  # fmt: skip
    """The message to this person for this occasion, and whether it is new. A second call for one occasion adds none.

    `held_back`: why it is not to be sent; then it is on record as called off from the start.
    """
    who = Message.owner_id == to.id if isinstance(to, Owner) else Message.subscriber_id == to.id
    look = select(Message).where(who, Message.occasion == occasion)
    if known := session.scalar(look):
        return known, False
    message = Message(
        subscriber_id=to.id if isinstance(to, Subscriber) else None,
        owner_id=to.id if isinstance(to, Owner) else None,
        stream=stream,
        occasion=occasion,
        lane=Lane.of(stream),
        created_at=now,
        due_at=None if held_back else due_at or now,
        state=State.CANCELLED if held_back else State.READY,
        settled_at=now if held_back else None,
        reply=held_back or None,
        revision_id=revision.id if revision else None,
        context=context,
    )
    try:
        with session.begin_nested():
            session.add(message)
        return message, True
    except IntegrityError:  # somebody queued the same occasion between our look and our insert
        return session.scalars(look).one(), False


def newest(session: Session) -> int:
    """The number of the newest message; 0 while there is none."""
    return session.scalar(select(func.max(Message.id))) or 0


def queue_many(
    session: Session, stream: Stream, mails: Collection[NewMail], now: datetime
) -> dict[tuple[int, str], int]:
    """Queue a mail each for many people in two statements; the messages' ids by subscriber and occasion.

    None of them may be known: the database refuses all of them then (IntegrityError).
    """
    if not mails:
        return {}
    alike = {"stream": stream, "lane": Lane.of(stream), "created_at": now, "due_at": now, "attempts": 0}
    session.execute(insert(Message.__table__), [alike | asdict(one) for one in mails])  # type: ignore[arg-type]
    rows = session.execute(
        select(Message.subscriber_id, Message.occasion, Message.id).where(
            Message.subscriber_id.in_({one.subscriber_id for one in mails}),
            Message.occasion.in_({one.occasion for one in mails}),
        )
    )
    return {(person or 0, occasion): id for person, occasion, id in rows}


def fill(session: Session, dispatch: Dispatch, audience: ColumnElement[bool], now: datetime, chunk: int) -> int:
    """Write the next `chunk` recipients of a dispatch by INSERT … SELECT; how many. Sets `filled_at` at the end.

    Call it in one transaction a chunk: `filled_to` moves with the rows, so that it can be stopped anywhere.
    """
    if session.get_bind().dialect.name == "postgresql":  # who is erased meanwhile waits for us (migration 0003)
        session.execute(select(func.pg_advisory_xact_lock_shared(ERASING)))
    left = (audience, Subscriber.id > dispatch.filled_to, Subscriber.id <= dispatch.fill_until)
    end = session.scalar(select(Subscriber.id).where(*left).order_by(Subscriber.id).offset(chunk - 1).limit(1))
    upto = dispatch.fill_until if end is None else end
    columns = {
        "subscriber_id": Subscriber.id,
        "stream": literal(Stream.CAMPAIGN, Message.stream.type),
        "occasion": literal(dispatch.occasion),
        "lane": literal(Lane.BULK, Message.lane.type),
        "state": literal(State.READY, Message.state.type),
        "created_at": literal(now, Message.created_at.type),
        "attempts": literal(0),
        "revision_id": literal(dispatch.revision_id),
        "dispatch_id": literal(dispatch.id),
    }
    chosen = select(*columns.values()).where(*left, Subscriber.id <= upto).order_by(Subscriber.id)
    before = newest(session)
    written = _written(session, list(columns), chosen)
    dispatch.filled_to = upto
    if upto == dispatch.fill_until:
        dispatch.filled_at = now
    _cut_lots(session, dispatch.id, before, written)
    return written


def _written(session: Session, columns: list[str], rows: Any) -> int:
    """Write them all, or those that are not known yet: to ask for that of a million rows costs a sixth more."""
    connection, counted = session.connection(), {"preserve_rowcount": True}
    try:
        with connection.begin_nested():
            return connection.execute(insert(Message).from_select(columns, rows), execution_options=counted).rowcount
    except IntegrityError:
        return connection.execute(_ignoring_known(session, columns, rows), execution_options=counted).rowcount


def _cut_lots(session: Session, dispatch_id: int, newest_before: int, written: int) -> None:
    """Cut what was just written, with numbers above that one, into lots."""
    last = newest(session)
    if last - newest_before == written:  # nobody else has used a number between: it can be reckoned
        spans = [(one, min(one + LOT - 1, last)) for one in range(newest_before + 1, last + 1, LOT)]
        lots = [(first, last, last - first + 1) for first, last in spans]
    else:
        lots = _looked_up(session, dispatch_id, newest_before)
    session.add_all(
        Lot(dispatch_id=dispatch_id, first_id=first, last_id=last, tally={State.READY.value: size})
        for first, last, size in lots
    )


def _looked_up(session: Session, dispatch_id: int, newest_before: int) -> list[tuple[int, int, int]]:
    """The lots of what was just written: first number, last number, size."""
    place = func.row_number().over(order_by=Message.id) - 1
    fresh = (
        select(Message.id, cast(func.floor(place / LOT), Integer).label("lot"))
        .where(Message.dispatch_id == dispatch_id, Message.id > newest_before)
        .subquery()
    )
    look = select(func.min(fresh.c.id), func.max(fresh.c.id), func.count()).group_by(fresh.c.lot).order_by(fresh.c.lot)
    return [(first, last, size) for first, last, size in session.execute(look)]


def _ignoring_known(session: Session, columns: list[str], rows: Any) -> Insert:
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        return postgresql.insert(Message).from_select(columns, rows).on_conflict_do_nothing()
    if dialect == "sqlite":
        # "WHERE true"-less INSERT … SELECT … ON CONFLICT is ambiguous to SQLite; our SELECT always has a WHERE.
        return sqlite.insert(Message).from_select(columns, rows).on_conflict_do_nothing()
    return insert(Message).from_select(columns, rows)


def cancel(session: Session, now: datetime, reason: str, *conditions: ColumnElement[bool]) -> int:
    """Call off every message under these conditions that has not been handed over; the number called off.

    For as many as one person has. A whole dispatch is called off by its hold (`call_off_next`).
    """
    open_ = (Message.state.in_((*OPEN, State.CLAIMED)), *conditions)
    ids = session.scalars(select(Message.id).where(*open_).order_by(Message.id)).all()
    tally.strike_out(session, ids)
    called_off = 0
    for some in batched(ids, IN_ONE_STATEMENT):
        # In the order of their ids, as everybody locks them. What a worker has begun since is not open any more.
        locked = session.scalars(
            select(Message.id).where(Message.id.in_(some), *open_).order_by(Message.id).with_for_update()
        ).all()
        session.execute(update(Message).where(Message.id.in_(locked)).values(**_called_off(now, reason)))
        called_off += len(locked)
    return called_off


def _called_off(now: datetime, reason: str) -> dict[str, Any]:
    return {
        "state": State.CANCELLED, "settled_at": now, "reply": reason,
        "claim_token": None, "lease_until": None, "due_at": None, "troubled_at": None,
    }  # fmt: skip


def call_off_next(session: Session, now: datetime, reason: str) -> bool:
    """Say on the rows of one lot of a cancelled dispatch that they are; False when no such lot is left.

    Nothing of it goes out from the moment of the hold; this only brings a million rows in line, a lot a transaction.
    """
    lot = session.scalars(
        select(Lot)
        .join(Dispatch, Dispatch.id == Lot.dispatch_id)
        .where(Lot.state == LotState.OPEN, Dispatch.hold == Hold.CANCELLED)
        .order_by(Lot.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Lot)
        .execution_options(populate_existing=True)
    ).first()
    if lot is None:
        return False
    session.execute(
        update(Message)
        .where(Message.dispatch_id == lot.dispatch_id, Message.id.between(lot.first_id, lot.last_id))
        .where(Message.state == State.READY)
        .values(**_called_off(now, reason))
        .execution_options(synchronize_session=False)
    )
    _, kept = tally.count_lot(session, lot.id)
    lot.state, lot.tally = LotState.DONE, kept
    return True


def call_off_late(session: Session, now: datetime, reason: str, limit: int = 1_000) -> int:
    """Call off what was on the wire when its dispatch was cancelled, and would have been tried again; how many."""
    by_index(session)
    late = session.scalars(
        select(Message.id)
        .join(Dispatch, Dispatch.id == Message.dispatch_id)
        .where(Message.lane == Lane.BULK, Message.due_at.is_not(None), Message.state.in_(OPEN))
        .where(Dispatch.hold == Hold.CANCELLED)
        .limit(limit)
    ).all()
    return cancel(session, now, reason, Message.id.in_(late)) if late else 0


def reword(session: Session, article: Article, now: datetime) -> int:
    """Give an article's newest words to steps that wait and were never tried: at once; how many."""
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
