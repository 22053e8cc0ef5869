"""Contents: which revision of a dispatch each reader has, and who would get a new one.

A message that waits with its batch goes out with the revision its dispatch has when the batch is claimed; that is
written to its row with the outcome. A message that waits by itself keeps the revision of its first try, on its row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from newsletter.articles import Revision
from newsletter.figures import figure
from newsletter.languages import Number, counted, said
from newsletter.mail.ledger import counts
from newsletter.mail.ledger.counts import BatchCounts
from newsletter.mail.ledger.digest import DigestEntry
from newsletter.mail.ledger.dispatch import Batch, BatchState, Dispatch, Hold, of_dispatch
from newsletter.mail.ledger.message import ACCEPTED, UNDER_WAY, Lane, Message, State
from newsletter.mail.ledger.reasons import Reason
from newsletter.subscribers import Subscriber

WITH_ITS_BATCH = (Message.state == State.READY, Message.due_at.is_(None))
"""Not tried yet, so its revision may still change."""
TRIED = (*ACCEPTED, State.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class RevisionImpact:
    """Who would get a new revision of a dispatch. Numbers of people."""

    have: int
    """A server accepted their message, with the content so far."""
    uncertain: int
    """They may have it: their message is uncertain."""
    again: int
    """Their message waits by itself for another try."""
    to_come: int
    """They would get the new content."""
    first: int
    """The first of these: their place in the campaign, from 1; 0: there is none."""
    email: str
    behind: int
    """How many after the first have it already, or may: workers send several batches at a time."""
    filling: bool
    """More recipients are still being written; `to_come` counts them."""
    on_the_wire: bool
    """A worker still holds a batch: the numbers are not final."""

    @property
    def told(self) -> list[str]:
        """The same in sentences for the owner, the two most important first."""
        have = counted("%(num)s person has it already in the old words.",
                       "%(num)s people have it already in the old words.", self.have,
                       num=Number(self.have))  # fmt: skip
        some = [have if self.have else said("Nobody has it already in the old words."), self._from()]
        return [*some, *self._besides()]

    def _besides(self) -> Iterator[str]:
        if self.behind:
            yield said(
                "Several workers send at once: %(behind)s of those after No. %(first)s had their turn already, in "
                "the old words; nobody gets it twice.", behind=Number(self.behind), first=Number(self.first),
            )  # fmt: skip
        if self.uncertain:
            yield counted(
                "%(num)s more may have it in the old words, or not at all: nobody knows.",
                "%(num)s more may have it in the old words, or not at all: nobody knows.",
                self.uncertain, num=Number(self.uncertain),
            )  # fmt: skip
        if self.again:
            yield counted(
                "%(num)s person waits for a second try, and that goes in the words of the first.",
                "%(num)s people wait for a second try, and that goes in the words of the first.",
                self.again, num=Number(self.again),
            )  # fmt: skip

    def _from(self) -> str:
        if not self.to_come:
            return said("Nobody is left to get new ones.")
        who = said("No. %(first)s (%(email)s)", first=Number(self.first), email=self.email)
        return counted(
            "The new ones go to %(num)s person: %(who)s.", "The new ones go to %(num)s people, from %(who)s on.",
            self.to_come, num=Number(self.to_come), who=who,
        )  # fmt: skip


def revision_impact(session: Session, dispatch: Dispatch, audience: ColumnElement[bool]) -> RevisionImpact:
    """Who would get a revision given to this dispatch now."""
    batches = counts.by_batch(session, dispatch)
    totals = counts.total(dispatch, batches)
    unwritten = [audience, Subscriber.id > dispatch.filled_to, Subscriber.id <= dispatch.fill_until]
    more = 0 if dispatch.filled_at else session.scalar(select(func.count(Subscriber.id)).where(*unwritten)) or 0
    first, email, behind, untried = _first_untried(session, dispatch, batches)
    if not first and more:
        first = sum(totals.values()) + 1
        email = session.scalars(select(Subscriber.email).where(*unwritten).order_by(Subscriber.id).limit(1)).one()
    return RevisionImpact(
        have=sum(totals[state] for state in ACCEPTED), uncertain=totals[State.UNCERTAIN],
        again=sum(totals[state] for state in UNDER_WAY) - untried, to_come=untried + more,
        first=first, email=email, behind=behind,
        filling=dispatch.filled_at is None, on_the_wire=on_the_wire(session, dispatch),
    )  # fmt: skip


def _first_untried(session: Session, dispatch: Dispatch, batches: Sequence[BatchCounts]) -> tuple[int, str, int, int]:
    """The first untried message's place and address, how many behind it were tried, and how many are untried.

    Zeros and "" if every message was tried. Reads only that message's batch; for the others the counts suffice.
    """
    if dispatch.hold is Hold.CANCELLED:
        return 0, "", 0, 0
    by_itself = (Message.dispatch_id == dispatch.id, Message.lane == Lane.BULK, Message.due_at.is_not(None))
    waiting = _count(session, *by_itself, Message.state == State.READY)
    untried = sum(batch.of(State.READY) for batch in batches) - waiting
    look = select(Message.id, Subscriber.email).join(Subscriber, Subscriber.id == Message.subscriber_id)
    for place, batch in enumerate(batches):
        ours = (Message.dispatch_id == dispatch.id, Message.id.between(batch.first_id, batch.last_id))
        if not batch.of(State.READY):
            continue
        if found := session.execute(look.where(*ours, *WITH_ITS_BATCH).order_by(Message.id).limit(1)).first():
            before = sum(sum(one.states.values()) for one in batches[:place])
            behind = sum(one.of(*TRIED) for one in batches[place + 1 :])
            first = 1 + before + _count(session, *ours, Message.id < found[0])
            behind += _count(session, *ours, Message.id > found[0], Message.state.in_(TRIED))
            return first, found[1], behind, untried
    return 0, "", 0, 0


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(Message.id)).where(*conditions)) or 0


def on_the_wire(session: Session, dispatch: Dispatch) -> bool:
    """Whether a worker holds a batch of it, so that messages may be leaving right now."""
    held = select(Batch.id).where(Batch.dispatch_id == dispatch.id, Batch.state == BatchState.CLAIMED).limit(1)
    return session.scalar(held) is not None


def has_no_claimed_batch(session: Session, dispatch: Dispatch) -> bool:
    """Whether no worker holds a batch of it. If so, none claims one before the transaction ends.

    The caller must have locked the dispatch's row FOR UPDATE. A claim takes a shared lock on it, so that lock waited
    for any claim under way, which is seen here. This locks no batch: whoever locks the dispatch waits for none.
    """
    return not on_the_wire(session, dispatch)


def revisions_used(session: Session, dispatch: Dispatch) -> list[tuple[Revision, int]]:
    """The revisions that readers have or may have, oldest first, with the number of readers of each."""
    id = dispatch.id
    numbers = figure(session, ("revisions used", id, dispatch.revision_id), lambda it: _people_by_revision(it, id))
    revisions = session.scalars(select(Revision).where(Revision.id.in_(numbers)).order_by(Revision.number))
    return [(revision, numbers[revision.id]) for revision in revisions]


def _people_by_revision(session: Session, dispatch_id: int) -> dict[int, int]:
    rows = session.execute(
        select(Message.revision_id, func.count())
        .where(*of_dispatch(session, dispatch_id), Message.state.in_(TRIED))
        .group_by(Message.revision_id)
    )
    return {id: count for id, count in rows if id}


def revision_of(session: Session, message: Message) -> Revision | None:
    """The revision a message went out with or, before its first try, would; None: it has no article.

    For a message in a weekly mail, the revision that mail links to.
    """
    if message.dispatch_id and message.reason is Reason.DIGEST:
        entry = session.get(DigestEntry, message.id)
        if entry is not None and entry.revision_id is not None:
            return session.get(Revision, entry.revision_id)
        return session.get_one(Dispatch, message.dispatch_id).revision
    if message.dispatch_id and message.state is State.READY and message.due_at is None:
        return session.get_one(Dispatch, message.dispatch_id).revision
    return message.revision
