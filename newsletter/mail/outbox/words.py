"""Words: who of a dispatch has got it in which words, and who would be the first to get other ones.

What waits with its lot goes out in the words that the dispatch has when the lot is claimed, and its row is told which
with its outcome. What waits by itself keeps the words of its first try: those are on its row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from newsletter.articles import Revision
from newsletter.mail.outbox import tally
from newsletter.mail.outbox.dispatch import Dispatch, Hold, Lot, LotState, of_dispatch
from newsletter.mail.outbox.message import ACCEPTED, UNDER_WAY, Lane, Message, State
from newsletter.mail.outbox.tally import Counted
from newsletter.subscribers import Subscriber

WITH_ITS_LOT = (Message.state == State.READY, Message.due_at.is_(None))
"""Not tried yet: no words have been settled for it."""
TRIED = (*ACCEPTED, State.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Turn:
    """Where new words would begin. Numbers of people."""

    have: int
    """A server accepted it for them, in the words until now."""
    uncertain: int
    """They have it or not: nobody knows."""
    again: int
    """They wait for another try by themselves."""
    to_come: int
    """They would get the new words."""
    first: int
    """The first of these, counted in the order of the campaign from 1; 0: nobody is to come."""
    email: str
    behind: int
    """How many after the first have it already, or may: workers send several lots at a time."""
    filling: bool
    """More recipients are still being written down; they are counted in `to_come`."""
    on_the_wire: bool
    """A worker still holds some: the numbers are not final."""

    @property
    def told(self) -> list[str]:
        """The same in sentences for the owner; the first two are what matters."""
        some = [f"{_people(self.have, 'has', 'have')} it already in the old words.", self._from()]
        if self.behind:
            some.append(
                f"Several workers send at once: {self.behind:,} of those after No. {self.first:,} had their turn "
                "already, in the old words; nobody gets it twice."
            )
        if self.uncertain:
            some.append(f"{self.uncertain:,} more may have it in the old words, or not at all: nobody knows.")
        if self.again:
            some.append(
                f"{_people(self.again, 'waits', 'wait')} for a second try, and that goes in the words of the first."
            )
        return some

    def _from(self) -> str:
        if not self.to_come:
            return "Nobody is left to get new ones."
        who = f"No. {self.first:,} ({self.email})"
        if self.to_come == 1:
            return f"The new ones go to 1 person: {who}."
        return f"The new ones go to {self.to_come:,} people, from {who} on."


def _people(count: int, one: str, more: str) -> str:
    return f"{count:,} people {more}" if count > 1 else f"{'1 person' if count else 'Nobody'} {one}"


def turn(session: Session, dispatch: Dispatch, audience: ColumnElement[bool]) -> Turn:
    """Where words that a dispatch to this audience were given now would begin."""
    lots = tally.by_lot(session, dispatch)
    counts = tally.total(dispatch, lots)
    unwritten = [audience, Subscriber.id > dispatch.filled_to, Subscriber.id <= dispatch.fill_until]
    more = 0 if dispatch.filled_at else session.scalar(select(func.count(Subscriber.id)).where(*unwritten)) or 0
    first, email, behind, untried = _first_untried(session, dispatch, lots)
    if not first and more:
        first = sum(counts.values()) + 1
        email = session.scalars(select(Subscriber.email).where(*unwritten).order_by(Subscriber.id).limit(1)).one()
    return Turn(
        have=sum(counts[state] for state in ACCEPTED), uncertain=counts[State.UNCERTAIN],
        again=sum(counts[state] for state in UNDER_WAY) - untried, to_come=untried + more,
        first=first, email=email, behind=behind,
        filling=dispatch.filled_at is None, on_the_wire=on_the_wire(session, dispatch),
    )  # fmt: skip


def _first_untried(session: Session, dispatch: Dispatch, lots: Sequence[Counted]) -> tuple[int, str, int, int]:
    """The first who has not been tried yet: which number of all, address, how many behind them have had their turn;
    and how many have not been tried. All nothing where everybody was.

    Only the lot that the first one lies in is looked into: the counts tell of the others.
    """
    if dispatch.hold is Hold.CANCELLED:
        return 0, "", 0, 0
    by_itself = (Message.dispatch_id == dispatch.id, Message.lane == Lane.BULK, Message.due_at.is_not(None))
    untried = sum(lot.of(State.READY) for lot in lots) - _count(session, *by_itself, Message.state == State.READY)
    look = select(Message.id, Subscriber.email).join(Subscriber, Subscriber.id == Message.subscriber_id)
    for place, lot in enumerate(lots):
        ours = (Message.dispatch_id == dispatch.id, Message.id.between(lot.first_id, lot.last_id))
        if not lot.of(State.READY):
            continue
        if found := session.execute(look.where(*ours, *WITH_ITS_LOT).order_by(Message.id).limit(1)).first():
            before = sum(sum(one.states.values()) for one in lots[:place])
            behind = sum(one.of(*TRIED) for one in lots[place + 1 :])
            first = 1 + before + _count(session, *ours, Message.id < found[0])
            behind += _count(session, *ours, Message.id > found[0], Message.state.in_(TRIED))
            return first, found[1], behind, untried
    return 0, "", 0, 0


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(Message.id)).where(*conditions)) or 0


def on_the_wire(session: Session, dispatch: Dispatch) -> bool:
    """Whether a worker holds a lot of it, so that some may be leaving in this second."""
    held = select(Lot.id).where(Lot.dispatch_id == dispatch.id, Lot.state == LotState.CLAIMED).limit(1)
    return session.scalar(held) is not None


def is_still(session: Session, dispatch: Dispatch) -> bool:
    """Whether no worker holds a lot of it; if so none claims one before the end of the transaction.

    A claim shares the lock of its dispatch's row, which the caller must hold FOR UPDATE: whoever was in the middle of a
    claim has been waited for, and is seen here. No lot is locked: who holds the dispatch waits for none of them.
    """
    return not on_the_wire(session, dispatch)


def used(session: Session, dispatch: Dispatch) -> list[tuple[Revision, int]]:
    """The revisions that people have it in or may, the oldest first, and how many have each."""
    rows = session.execute(
        select(Message.revision_id, func.count())
        .where(*of_dispatch(session, dispatch.id), Message.state.in_(TRIED))
        .group_by(Message.revision_id)
    )
    counts = {id: count for id, count in rows if id}
    revisions = session.scalars(select(Revision).where(Revision.id.in_(counts)).order_by(Revision.number))
    return [(revision, counts[revision.id]) for revision in revisions]


def revision_of(session: Session, message: Message) -> Revision | None:
    """The words that a message went out in or, before its first try, would go out in now; None: no article's."""
    if message.dispatch_id and message.state is State.READY and message.due_at is None:
        return session.get_one(Dispatch, message.dispatch_id).revision
    return message.revision
