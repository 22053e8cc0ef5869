"""Ends existing subscribers who left, bounced or complained according to a file, each in their own transaction.

They are flagged with their batch (`ImportedPerson.ending`), so that after a crash nobody is forgotten or ended twice.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import feedback, journey
from newsletter.events import By, Press
from newsletter.imports.fate import ENDS
from newsletter.imports.imported_person import ImportedPerson
from newsletter.subscribers import Status, Subscriber

LIST = Press(By.OWNER, "An imported list says that this person has left or must not be written to.")
_STATUSES = dict(ENDS.values())


def waiting(session: Session, import_id: int) -> Sequence[int]:
    """Ids of the subscribers this import still has to end."""
    look = select(ImportedPerson.subscriber_id).where(ImportedPerson.import_id == import_id, ImportedPerson.ending)
    return session.scalars(look.order_by(ImportedPerson.subscriber_id)).all()


def end(session: Session, import_id: int, id: int, now: datetime) -> None:
    """End all series and queued mail of this subscriber; does nothing if already done."""
    subscriber = session.scalar(select(Subscriber).where(Subscriber.id == id).with_for_update())
    noted = session.get(ImportedPerson, (import_id, id), with_for_update=True)
    if subscriber is None or noted is None or not noted.ending:
        return
    noted.ending = False
    bounced = subscriber.status is Status.BOUNCED
    left = journey.unsubscribe(session, subscriber, now, goodbye=False, press=LIST)
    status = _STATUSES[noted.fate]
    if status is not Status.UNSUBSCRIBED:
        feedback.suppress(session, subscriber, status, now, LIST)
    since = (noted.before or {}).get("left")
    if left and since and not bounced:
        subscriber.left_at = datetime.fromisoformat(since)
