"""BulkPerson: one of those whom an action is about, where it has to be remembered who they were."""

from sqlalchemy import ColumnElement, ForeignKey, delete, insert, literal, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.bulk import keeping_plans
from newsletter.db import Base
from newsletter.subscribers import Subscriber


class BulkPerson(Base):
    """Somebody who was shown when an erasing was asked for; until it is over, or they are gone."""

    __tablename__ = "bulk_people"

    action_id: Mapped[int] = mapped_column(ForeignKey("bulk_actions.id", ondelete="CASCADE"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(
        ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True, index=True
    )


def remember(session: Session, action_id: int, *who: ColumnElement[bool]) -> None:
    """Write down everybody for whom this holds now, in one statement."""
    shown = select(literal(action_id), Subscriber.id).where(*who)
    with keeping_plans(session):
        session.execute(insert(BulkPerson).from_select(["action_id", "subscriber_id"], shown))


def forget(session: Session, action_id: int) -> None:
    """It is over: who they were is nobody's business any more."""
    session.execute(delete(BulkPerson).where(BulkPerson.action_id == action_id))
