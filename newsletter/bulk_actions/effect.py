"""What a bulk action does to one person, and whom it can affect: the same rule in Python and in SQL."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Select, false, func, select, true
from sqlalchemy.orm import Session

from newsletter import journey
from newsletter.bulk_actions.record import ActionKind, BulkAction, People
from newsletter.events import By, Press
from newsletter.guides import Guide, has_earlier_edition
from newsletter.journey import House
from newsletter.languages import marked
from newsletter.mail.ledger import Reason
from newsletter.sequences import Enrollment, Sequence
from newsletter.sequences.enrollment import LIVE
from newsletter.subscribers import Status, Subscriber, takes_topic
from newsletter.subscribers.segments import Rules, condition
from newsletter.subscribers.segments.rules import AskedFor
from newsletter.topics import Topic

STOPPED = marked("Stopped by the owner, for everybody in a list.")
TAKEN = marked("Taken away by the owner, from everybody in a list.")


@dataclass(frozen=True, slots=True)
class Done:
    """The outcome for one person."""

    is_reached: bool
    erased: list[str] = field(default_factory=list)
    """Addresses whose traces outside the database must be removed after the commit."""


NOT_REACHED = Done(False)


def reach(session: Session, people: People, now: datetime, *, kind: ActionKind, guide: Guide | None = None,
          sequence: Sequence | None = None, topic: Topic | None = None) -> tuple[int, int]:  # fmt: skip
    """The dry run: how many people match, and how many of them would be affected."""
    meant = select(func.count()).select_from(Subscriber).where(*people.condition(now))
    reached = meant.where(_reached(kind, guide, sequence, topic, now))
    return session.scalar(meant) or 0, session.scalar(reached) or 0


def _reached(kind: ActionKind, guide: Guide | None, sequence: Sequence | None, topic: Topic | None,
             now: datetime) -> ColumnElement[bool]:  # fmt: skip
    match kind:
        case ActionKind.GUIDE if guide:
            return (Subscriber.status == Status.CONFIRMED) & condition(Rules(AskedFor(guide.slug)).on(now))
        case ActionKind.EDITION if guide:
            return has_earlier_edition(guide)
        case ActionKind.REMIND:
            return journey.may_be_asked_again(now)
        case ActionKind.LEAVE_TOPIC if topic:
            return Subscriber.newsletter & takes_topic(topic.id)
        case ActionKind.STOP_SERIES if sequence:
            return _enrolled(sequence.id).where(Enrollment.subscriber_id == Subscriber.id).exists()
        case ActionKind.ERASE:
            return true()
    return false()


def _enrolled(sequence_id: int) -> Select[int]:
    return select(Enrollment.id).where(Enrollment.sequence_id == sequence_id, Enrollment.status.in_(LIVE))


def do(session: Session, house: House, action: BulkAction, person: Subscriber, now: datetime) -> Done:
    """Apply the action to one person, if it can affect them now."""
    match action.kind:
        case ActionKind.GUIDE | ActionKind.EDITION:
            return Done(_send_guide(session, house, action, person, now))
        case ActionKind.REMIND:
            return Done(journey.ask_pending_again(session, house, person, now))
        case ActionKind.LEAVE_TOPIC:
            press = Press(By.OWNER, TAKEN)
            return Done(person.newsletter and journey.leave_topic(session, person, action.topic_id or 0, press, now))
        case ActionKind.STOP_SERIES:
            return Done(_stop_series(session, action, person, now))
        case ActionKind.ERASE:
            return Done(True, journey.erase(session, house, person, now))


def _send_guide(session: Session, house: House, action: BulkAction, person: Subscriber, now: datetime) -> bool:
    if action.guide is None:
        return False
    reached = _reached(action.kind, action.guide, None, None, now)
    if session.scalar(select(Subscriber.id).where(Subscriber.id == person.id, reached)) is None:
        return False
    is_new = action.kind is ActionKind.EDITION
    return journey.offer_guide(session, house, person, action.guide, now, new_edition=is_new)


def _stop_series(session: Session, action: BulkAction, person: Subscriber, now: datetime) -> bool:
    look = _enrolled(action.sequence_id or 0).where(Enrollment.subscriber_id == person.id)
    press = Press(By.OWNER, STOPPED)
    stopped = [
        journey.stop_series(session, person, one, press, now, Reason.STOPPED_BY_OWNER)
        for one in session.scalars(look).all()
    ]
    return any(stopped)
