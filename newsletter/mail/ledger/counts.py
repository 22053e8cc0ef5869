"""Counts a dispatch's messages by state, without reading a million rows each time.

A batch caches its own counts (`Batch.counts`) while no worker holds it. Claiming it, or changing one of its rows,
invalidates them in the same transaction (`invalidate`); they are counted again when the batch is released
(`count_batch`) or by a beat tick (`recount`). Without a cache a batch is counted live. Counting locks the batch's row,
as does anyone before changing one of its messages, so counts never miss an uncommitted change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select, update
from sqlalchemy.orm import Session

from newsletter.db import IN_ONE_STATEMENT, batched
from newsletter.mail.ledger.dispatch import Batch, BatchState, Dispatch, Hold
from newsletter.mail.ledger.message import Message, State

MOVING = (State.CLAIMED, State.SENDING)
"""Short-lived states: the counts of a batch with such a message are not worth caching."""


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """A batch's range, and its messages by state; a state without messages may be missing."""

    first_id: int
    last_id: int
    states: Mapping[State, int]
    opens_at: datetime | None = None
    """When it opens, in a campaign at everyone's own time."""

    def of(self, *states: State) -> int:
        """How many are in one of these states."""
        return sum(self.states.get(state, 0) for state in states)


def by_batch(session: Session, dispatch: Dispatch) -> list[BatchCounts]:
    """The counts of a dispatch's batches in sending order, counting live where there is no cache."""
    look = select(Batch.first_id, Batch.last_id, Batch.counts, Batch.opens_at).where(Batch.dispatch_id == dispatch.id)
    found = []
    for first, last, cached, opens_at in session.execute(look.order_by(Batch.opens_at, Batch.first_id)).all():
        if cached is None:
            states = _live(session, dispatch.id, first, last)
        else:
            states = {State(name): count for name, count in cached.items()}
        found.append(BatchCounts(first_id=first, last_id=last, states=states, opens_at=opens_at))
    return found


def _live(session: Session, dispatch_id: int, first: int, last: int) -> dict[State, int]:
    # One range at a time: in one statement PostgreSQL would compare each row with each range.
    rows = session.execute(
        select(Message.state, func.count())
        .where(Message.dispatch_id == dispatch_id, Message.id.between(first, last))
        .group_by(Message.state)
    )
    return dict(rows.all())


def count_by_state(session: Session, dispatch: Dispatch) -> dict[State, int]:
    """A dispatch's messages by state, all states; what is ready in a cancelled dispatch counts as cancelled."""
    return total(dispatch, by_batch(session, dispatch))


def total(dispatch: Dispatch, batches: Iterable[BatchCounts]) -> dict[State, int]:
    """The same as `count_by_state`, from the counts of all its batches (`by_batch`)."""
    found = dict.fromkeys(State, 0)
    for batch in batches:
        for state, number in batch.states.items():
            found[state] += number
    if dispatch.hold is Hold.CANCELLED:
        found[State.CANCELLED] += found[State.READY]
        found[State.READY] = 0
    return found


def count_batch(session: Session, batch_id: int) -> tuple[dict[State, int], dict[str, int] | None]:
    """Count a batch whose row the caller has locked; return the counts, and what to cache in `Batch.counts`."""
    batch = session.execute(select(Batch.dispatch_id, Batch.first_id, Batch.last_id).where(Batch.id == batch_id)).one()
    found = _live(session, *batch)
    return found, None if found.keys() & set(MOVING) else {state.value: number for state, number in found.items()}


def invalidate(session: Session, message_ids: Sequence[int]) -> None:
    """Invalidate the cached counts of the batches these messages are in. Call it before changing the messages.

    It locks those batches, ordered by id, until the transaction ends. Rows are always locked after their batch
    (docs/architecture.md, "Locks"), or two transactions could deadlock.
    """
    inside = and_(Message.dispatch_id == Batch.dispatch_id, Message.id.between(Batch.first_id, Batch.last_id))
    hit: set[int] = set()
    for some in batched(sorted(message_ids), IN_ONE_STATEMENT):
        hit.update(session.scalars(select(Batch.id).join(Message, inside).where(Message.id.in_(some)).distinct()))
    if not hit:
        return
    session.execute(select(Batch.id).where(Batch.id.in_(hit)).order_by(Batch.id).with_for_update()).all()
    session.execute(
        update(Batch).where(Batch.id.in_(hit)).values(counts=None).execution_options(synchronize_session=False)
    )


def recount(session: Session, most: int = 20) -> int:
    """Count up to `most` batches that no worker holds and that have no cached counts; return how many."""
    ids = session.scalars(
        select(Batch.id)
        .where(Batch.counts.is_(None), Batch.state != BatchState.CLAIMED)
        .order_by(Batch.id.desc())
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for id in ids:
        _, kept = count_batch(session, id)
        written = update(Batch).where(Batch.id == id).values(counts=kept)
        session.execute(written.execution_options(synchronize_session=False))
    return len(ids)
