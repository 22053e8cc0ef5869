"""BulkAction: a change an owner requested for many people, from the request to the last person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, ForeignKey, Index, String, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.accounts import Owner
from newsletter.bulk_actions.person import BulkPerson, forget, remember
from newsletter.db import Base, Id, one_of, without, without_inside
from newsletter.guides import Guide
from newsletter.languages import marked, said
from newsletter.sequences import Sequence as Series
from newsletter.subscribers import Status, Subscriber, found_by, with_tag
from newsletter.subscribers.segments import condition, stored_rules
from newsletter.topics import Topic

GRACE = timedelta(seconds=10)
"""From the request to the first person; until then it can be cancelled completely."""


class ActionKind(StrEnum):
    """What is done. Nothing here widens what anybody receives: only the reader can do that."""

    GUIDE = "guide"
    """Send the guide again, to those who had asked for it."""
    EDITION = "edition"
    """Send the newest edition of a guide, to those who have an earlier one."""
    REMIND = "remind"
    """Ask again for the confirmation: those who signed up themselves and have not answered."""
    LEAVE_TOPIC = "leave-topic"
    STOP_SERIES = "stop-series"
    ERASE = "erase"


class ActionState(StrEnum):
    """The action's progress. Workers handle those in `WORKING`."""

    WAITING = "waiting"
    """In its grace period, or not started by a worker yet."""
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    CALLED_OFF = "called-off"


SENDING = (ActionKind.GUIDE, ActionKind.EDITION, ActionKind.REMIND)
"""Those that send mail."""
WORKING = (ActionState.WAITING, ActionState.RUNNING)
STANDS = {
    ActionState.WAITING: marked("waiting to begin"),
    ActionState.RUNNING: marked("under way"),
    ActionState.STOPPED: marked("stopped"),
    ActionState.DONE: marked("done"),
    ActionState.CALLED_OFF: marked("called off"),
}
_OPEN = text("state IN ('waiting', 'running')")


class NotNow(ValueError):
    """Not possible in the action's current state, which the message names."""


@dataclass(frozen=True, slots=True)
class People:
    """A list's filter; every part narrows. `rules`: of a saved segment and of the filter bar, as stored."""

    asked: str = ""
    status: Status | None = None
    tag: str = ""
    rules: Sequence[Any] = ()

    def condition(self, at: datetime) -> list[ColumnElement[bool]]:
        """The filter as SQL conditions. Relative rules such as "the last 30 days" end at `at`."""
        return [
            *([found_by(self.asked)] if self.asked else []),
            *([Subscriber.status == self.status] if self.status else []),
            *([with_tag(self.tag)] if self.tag else []),
            *(condition(stored_rules(one).on(at)) for one in self.rules),
        ]


class BulkAction(Base):
    """One bulk action. It walks its people by id; `position` is the last one done."""

    __tablename__ = "bulk_actions"
    __table_args__ = (
        one_of("kind", ActionKind),
        one_of("state", ActionState),
        Index("ix_bulk_actions_open", "state", postgresql_where=_OPEN, sqlite_where=_OPEN),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[ActionKind]
    state: Mapped[ActionState] = mapped_column(default=ActionState.WAITING)
    created_at: Mapped[datetime]
    starts_at: Mapped[datetime]
    """When the grace period ends; after a stop, when it was resumed."""
    finished_at: Mapped[datetime | None] = mapped_column()
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id", ondelete="SET NULL"))
    guide_id: Mapped[int | None] = mapped_column(ForeignKey("guides.id"))
    sequence_id: Mapped[int | None] = mapped_column(ForeignKey("sequences.id"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topics.id"))
    asked: Mapped[str] = mapped_column(String(254), default="")
    """The search text. May contain an address, so it is cleared when the action is over."""
    status: Mapped[Status | None] = mapped_column()
    tag: Mapped[str] = mapped_column(String(80), default="")
    rules: Mapped[list[Any] | dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """A list of rules, each narrowing; older actions hold a single rule. May contain addresses too."""
    last_id: Mapped[int] = mapped_column(BigInteger)
    """The highest subscriber id at the request: later subscribers are not included."""
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    expected: Mapped[int] = mapped_column(BigInteger, default=0)
    """How many people were listed at the request."""
    looked_at: Mapped[int] = mapped_column(BigInteger, default=0)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    """How many people were affected; it did not apply to the others."""

    owner: Mapped[Owner | None] = relationship()
    guide: Mapped[Guide | None] = relationship()
    sequence: Mapped[Series | None] = relationship()
    topic: Mapped[Topic | None] = relationship()

    @classmethod
    def begin(cls, session: Session, people: People, now: datetime, *, kind: ActionKind, owner_id: int | None,
              guide: Guide | None = None, sequence: Series | None = None, topic: Topic | None = None
              ) -> "BulkAction":  # fmt: skip
        """Request an action. It starts when its grace period ends."""
        made = cls(
            kind=kind, created_at=now, starts_at=now + GRACE, owner_id=owner_id, guide=guide, sequence=sequence,
            topic=topic, asked=people.asked, status=people.status, tag=people.tag, rules=list(people.rules) or None,
            last_id=0,
        )  # fmt: skip
        session.add(made)
        session.flush()
        shown = people.condition(now)
        if kind is ActionKind.ERASE:
            remember(session, made.id, *shown)
            shown = [made.is_named]
        counted = select(func.count(), func.coalesce(func.max(Subscriber.id), 0)).where(*shown)
        made.expected, made.last_id = session.execute(counted.select_from(Subscriber)).one()
        return made

    @property
    def is_named(self) -> ColumnElement[bool]:
        """SQL condition: the subscriber was listed when this erasure was requested."""
        named = select(BulkPerson.subscriber_id).where(BulkPerson.subscriber_id == Subscriber.id)
        return named.where(BulkPerson.action_id == self.id).exists()

    @property
    def people(self) -> People:
        """The filter it applies to."""
        rules = [self.rules] if isinstance(self.rules, dict) else self.rules or []
        return People(asked=self.asked, status=self.status, tag=self.tag, rules=rules)

    def take_back(self, session: Session) -> None:
        """Delete it altogether, as if it had never been requested."""
        forget(session, self.id)
        session.delete(self)
        session.flush()

    def call_off(self, session: Session, now: datetime) -> None:
        """Cancel it before it has started. Raises NotNow."""
        self._move_to(ActionState.CALLED_OFF, only=ActionState.WAITING)
        self.end(session, ActionState.CALLED_OFF, now)

    def stop(self) -> None:
        """Stop after the current batch; what is done stays. Raises NotNow."""
        self._move_to(ActionState.STOPPED, only=ActionState.RUNNING)

    def go_on(self, now: datetime) -> None:
        """Resume from where it was stopped. Raises NotNow."""
        self._move_to(ActionState.RUNNING, only=ActionState.STOPPED)
        self.starts_at = now

    def end(self, session: Session, state: ActionState, now: datetime) -> None:
        """Finish in this state and forget whom it was for."""
        self.state, self.finished_at, self.asked, self.rules = state, now, "", None
        forget(session, self.id)

    def _move_to(self, state: ActionState, *, only: ActionState) -> None:
        if self.state is not only:
            raise NotNow(said("Nothing was changed: this is %(state)s.", state=said(STANDS[self.state])))
        self.state = state


def forget_mentions(session: Session, address: str) -> None:
    """Remove an erased address from the filters of unfinished actions."""
    is_over = BulkAction.state.in_((ActionState.DONE, ActionState.CALLED_OFF))
    for one in session.scalars(select(BulkAction).where(~is_over)):
        one.asked = without(address, one.asked)
        one.rules = without_inside(address, one.rules)
