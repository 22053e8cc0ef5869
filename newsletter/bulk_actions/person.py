"""BulkPerson: a subscriber listed by an erasure, which must not touch anybody the owner did not see."""

from sqlalchemy import ColumnElement, ForeignKey, delete, insert, literal, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.bulk import keeping_plans
from newsletter.db import Base
from newsletter.subscribers import Subscriber


class BulkPerson(Base):
    """Somebody who was listed when the erasure was requested; kept until it is over or they are erased."""

    __tablename__ = "bulk_people"

    action_id: Mapped[int] = mapped_column(ForeignKey("bulk_actions.id", ondelete="CASCADE"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(
        ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True, index=True
    )


def remember(session: Session, action_id: int, *who: ColumnElement[bool]) -> None:
    """Record everybody who matches now, in one statement."""
    shown = select(literal(action_id), Subscriber.id).where(*who)
    with keeping_plans(session):
        session.execute(insert(BulkPerson).from_select(["action_id", "subscriber_id"], shown))


def forget(session: Session, action_id: int) -> None:
    """Delete the list of people once the action is over."""
    session.execute(delete(BulkPerson).where(BulkPerson.action_id == action_id))
