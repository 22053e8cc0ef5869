"""Tallies: how many of a dispatch stand where, without counting a million rows at every look.

A lot keeps its own count (`Lot.tally`) while nobody works on it. Who takes it, and who changes one of its rows by
itself, strikes the count out in the same transaction (`strike_out`); it is counted anew when the lot is let go
(`count_lot`), or by a beat tick (`count_anew`). What has no count is counted live. Whoever counts holds the lot's row,
and whoever changes a message of it holds that row before: a count never misses a change that is not committed yet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, select, update
from sqlalchemy.orm import Session

from newsletter.db import IN_ONE_STATEMENT, batched
from newsletter.mail.outbox.dispatch import Dispatch, Hold, Lot, LotState
from newsletter.mail.outbox.message import Message, State

MOVING = (State.CLAIMED, State.HANDED_OVER)
"""Will be something else in a moment: a lot that holds such a message is not worth a count."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A lot's range, and how many of its messages stand where; a state that none is in may be missing."""

    first_id: int
    last_id: int
    states: Mapping[State, int]

    def of(self, *states: State) -> int:
        """How many are in one of these."""
        return sum(self.states.get(state, 0) for state in states)


def by_lot(session: Session, dispatch: Dispatch) -> list[Counted]:
    """The lots of a dispatch in their order; those without a count are counted live."""
    lots = session.execute(
        select(Lot.first_id, Lot.last_id, Lot.tally).where(Lot.dispatch_id == dispatch.id).order_by(Lot.first_id)
    ).all()
    return [
        Counted(
            first, last,
            _live(session, dispatch.id, first, last) if tally is None else {State(name): tally[name] for name in tally},
        )
        for first, last, tally in lots
    ]  # fmt: skip


def _live(session: Session, dispatch_id: int, first: int, last: int) -> dict[State, int]:
    # A range at a time: for all in one statement PostgreSQL would compare each row with each range.
    rows = session.execute(
        select(Message.state, func.count())
        .where(Message.dispatch_id == dispatch_id, Message.id.between(first, last))
        .group_by(Message.state)
    )
    return dict(rows.all())


def counts(session: Session, dispatch: Dispatch) -> dict[State, int]:
    """How many of its messages stand where; every state is there. What a cancelled one still has is not going out."""
    return total(dispatch, by_lot(session, dispatch))


def total(dispatch: Dispatch, lots: Iterable[Counted]) -> dict[State, int]:
    """See `counts`; of all its lots."""
    found = dict.fromkeys(State, 0)
    for lot in lots:
        for state, number in lot.states.items():
            found[state] += number
    if dispatch.hold is Hold.CANCELLED:
        found[State.CANCELLED] += found[State.READY]
        found[State.READY] = 0
    return found


def count_lot(session: Session, lot_id: int) -> tuple[dict[State, int], dict[str, int] | None]:
    """Count a lot whose row the caller has locked: what was found, and what is worth keeping of it (`Lot.tally`)."""
    lot = session.execute(select(Lot.dispatch_id, Lot.first_id, Lot.last_id).where(Lot.id == lot_id)).one()
    found = _live(session, *lot)
    return found, None if found.keys() & set(MOVING) else {state.value: number for state, number in found.items()}


def strike_out(session: Session, message_ids: Sequence[int]) -> None:
    """Invalidate the counts of the lots that these messages lie in. Call it before changing the messages.

    It locks those lots, in the order of their ids, until the transaction ends. Rows are locked behind their lot
    everywhere (docs/architecture.md, "Locks"), or two transactions would wait for each other.
    """
    inside = and_(Message.dispatch_id == Lot.dispatch_id, Message.id.between(Lot.first_id, Lot.last_id))
    hit: set[int] = set()
    for some in batched(sorted(message_ids), IN_ONE_STATEMENT):
        hit.update(session.scalars(select(Lot.id).join(Message, inside).where(Message.id.in_(some)).distinct()))
    if not hit:
        return
    session.execute(select(Lot.id).where(Lot.id.in_(hit)).order_by(Lot.id).with_for_update()).all()
    session.execute(update(Lot).where(Lot.id.in_(hit)).values(tally=None).execution_options(synchronize_session=False))


def count_anew(session: Session, most: int = 20) -> int:
    """Count lots that nobody works on and whose count was struck out; how many were looked at."""
    ids = session.scalars(
        select(Lot.id)
        .where(Lot.tally.is_(None), Lot.state != LotState.CLAIMED)
        .order_by(Lot.id.desc())
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for id in ids:
        _, kept = count_lot(session, id)
        session.execute(update(Lot).where(Lot.id == id).values(tally=kept).execution_options(synchronize_session=False))
    return len(ids)
