"""The mails of steps that go now, for a whole batch at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.articles import Revision
from newsletter.mail.outbox import Lane, Message, State
from newsletter.sequences.enrollment import Enrollment
from newsletter.sequences.sequence import Step
from newsletter.subscribers import Stream


@dataclass(frozen=True, slots=True)
class Going:
    """A step that goes now."""

    enrollment: Enrollment
    step: Step

    @property
    def occasions(self) -> list[str]:
        """Of its mail: those of earlier tries, and the one of this try."""
        first = f"step:{self.enrollment.id}:{self.step.id}"
        return [first, *(f"{first}:{number}" for number in range(1, self.enrollment.tries + 1))]


def queue_mails(session: Session, going: Sequence[Going], now: datetime) -> None:
    """Give each of these enrollments the mail of its step, in the words that the article has now.

    The enrollments are locked, so nobody else queues a mail of theirs; the rows are written with the next flush.
    """
    if not going:
        return
    known, words = _known(session, going), _words(session, going)
    for one in going:
        _queue_mail(one, known.get(one.enrollment.subscriber_id, {}), words[one.step.article_id], now)


def _queue_mail(one: Going, known: Mapping[str, Message], revision_id: int, now: datetime) -> None:
    enrollment = one.enrollment
    earlier = [known[occasion] for occasion in one.occasions if occasion in known]
    had = next((message for message in earlier if message.state not in (State.CANCELLED, State.FAILED)), None)
    enrollment.tries = max(enrollment.tries, len(earlier))
    # One that the owner sent once more by hand has come, or comes: it is settled as this step's.
    enrollment.message = had or Message(
        subscriber_id=enrollment.subscriber_id,
        stream=Stream.STEP,
        occasion=one.occasions[-1],
        lane=Lane.of(Stream.STEP),
        created_at=now,
        due_at=now,
        revision_id=revision_id,
        context={"guide": enrollment.sequence.guide_slug},
    )
    enrollment.message_step, enrollment.due_at, enrollment.waiting_since = one.step, None, None


def _known(session: Session, going: Sequence[Going]) -> dict[int, dict[str, Message]]:
    """What these people were sent, or not sent, of these steps before: by person and occasion."""
    look = select(Message).where(
        Message.subscriber_id.in_({one.enrollment.subscriber_id for one in going}),
        Message.occasion.in_([occasion for one in going for occasion in one.occasions]),
    )
    found: dict[int, dict[str, Message]] = {}
    for message in session.scalars(look.execution_options(populate_existing=True)):
        found.setdefault(message.subscriber_id or 0, {})[message.occasion] = message
    return found


def _words(session: Session, going: Sequence[Going]) -> dict[int, int]:
    """The newest revision of each article."""
    look = select(Revision.article_id, Revision.id).order_by(Revision.number)
    rows = session.execute(look.where(Revision.article_id.in_({one.step.article_id for one in going}))).all()
    return dict(rows)
