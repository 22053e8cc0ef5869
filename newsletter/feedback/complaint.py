"""Complaints (RFC 5965): a reader reported a mail as spam, and all mail to them ends at once."""

from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.events import By, Press
from newsletter.feedback.report import ON_ITS_WAY, Report, attempt, settle, subject
from newsletter.feedback.suppress import suppress
from newsletter.languages import marked
from newsletter.mail.ledger import State
from newsletter.subscribers import Status

MAY_BE_COMPLAINED_OF = (State.SENT, State.DELIVERED, State.UNCERTAIN, State.DEFERRED, State.BOUNCED)
WORDS = marked("The reader's provider reported this mail as spam.")


def complained(session: Session, message_id: int, now: datetime) -> Report:
    """Record a complaint about this message. The caller has verified that the report belongs to it."""
    about = subject(session, message_id)
    if about is None or about.state is State.COMPLAINED:
        return Report.KNOWN
    if about.state in ON_ITS_WAY:
        return Report.TOO_EARLY
    person = about.subscriber
    if person is not None and person.status is not Status.COMPLAINED:
        suppress(
            session, person, Status.COMPLAINED, now, Press(By.SERVER, marked("A complaint came from their provider."))
        )
        session.flush()
    told = attempt(message_id, State.COMPLAINED, now, words=WORDS)
    return Report.TAKEN if settle(session, message_id, State.COMPLAINED, MAY_BE_COMPLAINED_OF, told) else Report.KNOWN
