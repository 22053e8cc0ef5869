"""Queues the mails of due steps, a whole batch at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.articles import Revision
from newsletter.mail.ledger import Message, NewMessage, State
from newsletter.mail.ledger.queue import queue_many
from newsletter.sequences.enrollment import Enrollment
from newsletter.sequences.sequence import Step
from newsletter.subscribers import Stream

NOTHING = (State.CANCELLED, State.FAILED)
"""States of a mail that was not sent."""
Accents = Mapping[str, str]
"""The colour of a guide's mails by its slug (`guides.mail_accents`); the default for one that is missing."""
NO_ACCENTS: Accents = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step that goes now."""

    enrollment: Enrollment
    step: Step

    @property
    def keys(self) -> list[str]:
        """The idempotency keys of its mails: earlier tries, then this one."""
        first = f"step:{self.enrollment.id}:{self.step.id}"
        return [first, *(f"{first}:{number}" for number in range(1, self.enrollment.tries + 1))]


def mail_context(guide_slug: str | None, accents: Accents) -> dict[str, str | None]:
    """The context of a step's mail: the guide its series follows, and that guide's colour."""
    context = {"guide": guide_slug}
    if guide_slug and (colour := accents.get(guide_slug)):
        context["accent"] = colour
    return context


def queue_mails(session: Session, going: Sequence[DueStep], now: datetime, accents: Accents = NO_ACCENTS) -> None:
    """Queue the mail of each enrollment's step, with the article's newest revision.

    The caller holds locks on the enrollments; they are written with the next flush.
    """
    if not going:
        return
    known, words = _known(session, going), _words(session, going)
    fresh: list[NewMessage] = []
    for one in going:
        enrollment = one.enrollment
        earlier = [found for key in one.keys if (found := known.get((enrollment.subscriber_id, key)))]
        enrollment.tries = max(enrollment.tries, len(earlier))
        enrollment.message_step, enrollment.due_at, enrollment.waiting_since = one.step, None, None
        # The owner may have resent one by hand: it is then settled as this step's mail.
        enrollment.message_id = next((id for id, state in earlier if state not in NOTHING), None)
        if enrollment.message_id is None:
            revision = words[one.step.article_id]
            fresh.append(
                NewMessage(
                    subscriber_id=enrollment.subscriber_id,
                    idempotency_key=one.keys[-1],
                    revision_id=revision,
                    context=mail_context(enrollment.sequence.guide_slug, accents),
                )
            )
    queued = queue_many(session, Stream.STEP, fresh, now)
    for one in going:
        if one.enrollment.message_id is None:
            one.enrollment.message_id = queued[one.enrollment.subscriber_id, one.keys[-1]]


def _known(session: Session, going: Sequence[DueStep]) -> dict[tuple[int, str], tuple[int, State]]:
    """Earlier mails of these steps: (id, state) by person and idempotency key."""
    rows = session.execute(
        select(Message.subscriber_id, Message.idempotency_key, Message.id, Message.state).where(
            Message.subscriber_id.in_({one.enrollment.subscriber_id for one in going}),
            Message.idempotency_key.in_([key for one in going for key in one.keys]),
        )
    )
    return {(person or 0, key): (id, state) for person, key, id, state in rows}


def _words(session: Session, going: Sequence[DueStep]) -> dict[int, int]:
    """The newest revision's id of each article."""
    look = select(Revision.article_id, Revision.id).order_by(Revision.number)
    rows = session.execute(look.where(Revision.article_id.in_({one.step.article_id for one in going}))).all()
    return dict(rows)
