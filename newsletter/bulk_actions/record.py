"""BulkAction: what an owner has asked to be done for many people, from the press to the last of them."""

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
"""Between the press and the first person: until then it can be called off whole."""


class ActionKind(StrEnum):
    """What is done. None lets anybody receive more than they asked for: that takes their own press."""

    GUIDE = "guide"
    """The guide once more, to those who have asked for it."""
    LEAVE_TOPIC = "leave-topic"
    STOP_SERIES = "stop-series"
    ERASE = "erase"


class ActionState(StrEnum):
    """Where it stands. Those of `WORKING` are a worker's."""

    WAITING = "waiting"
    """Its grace is not over, or no worker has begun."""
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    CALLED_OFF = "called-off"


WORKING = (ActionState.WAITING, ActionState.RUNNING)
STANDS = {
    ActionState.WAITING: marked("waiting to begin"),
    ActionState.RUNNING: marked("under way"),
    ActionState.STOPPED: marked("stopped"),
    ActionState.DONE: marked("done"),
    ActionState.CALLED_OFF: marked("called off"),
}
"""A state in words."""
_OPEN = text("state IN ('waiting', 'running')")


class NotNow(ValueError):
    """The action is not at the point where this can be done; the message says where it stands."""


@dataclass(frozen=True, slots=True)
class People:
    """Whom a list shows: each part narrows. `rules`: of a saved segment and of the list's bar, as they are stored."""

    asked: str = ""
    status: Status | None = None
    tag: str = ""
    rules: Sequence[Any] = ()

    def condition(self, at: datetime) -> list[ColumnElement[bool]]:
        """All that has to hold, as SQL. "The last 30 days" of a rule end `at` this time."""
        return [
            *([found_by(self.asked)] if self.asked else []),
            *([Subscriber.status == self.status] if self.status else []),
            *([with_tag(self.tag)] if self.tag else []),
            *(condition(stored_rules(one).on(at)) for one in self.rules),
        ]


class BulkAction(Base):
    """One of them. It goes through its people by their numbers, and `position` is the last that it has done."""

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
    """When its grace is over; behind a stop, when it was let go on."""
    finished_at: Mapped[datetime | None] = mapped_column()
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id", ondelete="SET NULL"))
    guide_id: Mapped[int | None] = mapped_column(ForeignKey("guides.id"))
    sequence_id: Mapped[int | None] = mapped_column(ForeignKey("sequences.id"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topics.id"))
    asked: Mapped[str] = mapped_column(String(254), default="")
    """Words that were searched for. An address may stand here: gone when the action is over."""
    status: Mapped[Status | None] = mapped_column()
    tag: Mapped[str] = mapped_column(String(80), default="")
    rules: Mapped[list[Any] | dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Rules of which each narrows; of an action before there were several, the rules themselves. An address may stand
    here too."""
    last_id: Mapped[int] = mapped_column(BigInteger)
    """The newest person at the press: who comes later is not meant."""
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    expected: Mapped[int] = mapped_column(BigInteger, default=0)
    """How many people were shown at the press."""
    looked_at: Mapped[int] = mapped_column(BigInteger, default=0)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    """For how many something was done; the others could not be reached by it."""

    owner: Mapped[Owner | None] = relationship()
    guide: Mapped[Guide | None] = relationship()
    sequence: Mapped[Series | None] = relationship()
    topic: Mapped[Topic | None] = relationship()

    @classmethod
    def begin(cls, session: Session, people: People, now: datetime, *, kind: ActionKind, owner_id: int | None,
              guide: Guide | None = None, sequence: Series | None = None, topic: Topic | None = None
              ) -> "BulkAction":  # fmt: skip
        """Ask for it. It begins when its grace is over."""
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
        """That somebody was shown when this erasing was asked for, as SQL."""
        named = select(BulkPerson.subscriber_id).where(BulkPerson.subscriber_id == Subscriber.id)
        return named.where(BulkPerson.action_id == self.id).exists()

    @property
    def people(self) -> People:
        """Whom it is for."""
        rules = [self.rules] if isinstance(self.rules, dict) else self.rules or []
        return People(asked=self.asked, status=self.status, tag=self.tag, rules=rules)

    def take_back(self, session: Session) -> None:
        """It was not asked for: nothing of it is kept."""
        forget(session, self.id)
        session.delete(self)
        session.flush()

    def call_off(self, session: Session, now: datetime) -> None:
        """Before it has begun: nothing is done. Raises NotNow."""
        self._turn(ActionState.CALLED_OFF, only=ActionState.WAITING)
        self.end(session, ActionState.CALLED_OFF, now)

    def stop(self) -> None:
        """After the people who are being done; what is done stays. Raises NotNow."""
        self._turn(ActionState.STOPPED, only=ActionState.RUNNING)

    def go_on(self, now: datetime) -> None:
        """From where it was stopped. Raises NotNow."""
        self._turn(ActionState.RUNNING, only=ActionState.STOPPED)
        self.starts_at = now

    def end(self, session: Session, state: ActionState, now: datetime) -> None:
        """It is over, and need not know any more whom it was for."""
        self.state, self.finished_at, self.asked, self.rules = state, now, "", None
        forget(session, self.id)

    def _turn(self, state: ActionState, *, only: ActionState) -> None:
        if self.state is not only:
            raise NotNow(said("Nothing was changed: this is %(state)s.", state=said(STANDS[self.state])))
        self.state = state


def forget_mentions(session: Session, address: str) -> None:
    """Take an erased address out of what was searched for."""
    is_over = BulkAction.state.in_((ActionState.DONE, ActionState.CALLED_OFF))
    for one in session.scalars(select(BulkAction).where(~is_over)):
        one.asked = without(address, one.asked)
        one.rules = without_inside(address, one.rules)
