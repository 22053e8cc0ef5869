"""Skips what is due of a sequence: nothing is sent, and everybody moves on as if it had been."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from newsletter.mail import ledger
from newsletter.mail.ledger import UNDER_WAY, Message, Reason
from newsletter.sequences.enrollment import Enrollment, EnrollmentStatus, wake
from newsletter.sequences.place import Places
from newsletter.sequences.sequence import Sequence, Step


def due_of(sequence: Sequence, now: datetime) -> Select[Enrollment]:
    """The SELECT of enrollments whose next article is due, or queued and not sent yet."""
    queued = select(Message.id).where(Message.id == Enrollment.message_id, Message.state.in_(UNDER_WAY)).exists()
    return select(Enrollment).where(
        Enrollment.sequence_id == sequence.id,
        Enrollment.status == EnrollmentStatus.ACTIVE,
        (Enrollment.due_at <= now) | queued,
    )


def let_be(session: Session, sequence: Sequence, now: datetime, zone: str) -> int:
    """Move on everybody whose next article is due; return how many. Mail on the wire is not recalled."""
    sequence.lock(session)
    places = Places(session, sequence.places)

    def passed(enrollment: Enrollment, step: Step, at: datetime) -> None:
        enrollment.message_step = step
        enrollment.passed(at, places.after(sequence.id, enrollment.place, step.id), zone, now)

    due = session.scalars(due_of(sequence, now).with_for_update(of=Enrollment)).all()
    for one in due:
        if one.message_step and ledger.cancel(session, now, Reason.LET_BE, Message.id == one.message_id):
            passed(one, one.message_step, now)
        while one.message_id is None and (at := one.due_at) and at <= now and (step := one.next_step):
            passed(one, step, at)
    session.flush()
    wake(session, {one.subscriber_id for one in due if one.status is EnrollmentStatus.FINISHED}, now)
    return len(due)
