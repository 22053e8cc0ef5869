"""Reads what pressing the button behind a mail's link would bring: the page shows it, the press does it."""

from collections.abc import Mapping
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import sequences
from newsletter.forms import Form
from newsletter.guides import Guide
from newsletter.journey.give import LINK_DAYS, guide_named, series_of, series_of_form
from newsletter.sequences import Sequence
from newsletter.subscribers import (
    EVERY_TOPIC,
    Consent,
    Field,
    Subscriber,
    TopicChoice,
    consent_topics,
    open_consents,
    topic_choice,
    typed_values,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """What pressing the button of this sign-up would bring."""

    consent: Consent
    guide: Guide | None
    form: Form | None
    """The form it came by, unless that was deleted."""
    series: SequenceOf[Sequence]
    """The series of the guide (one that is off begins when it is switched on), then the form's own."""
    articles: int
    """How many articles are ahead of this person in those series that are live."""
    newsletter: bool
    """Whether a sign-up that waits for its press asked for it, and this person does not take it already."""
    topics: TopicChoice
    """The newsletter's topics that were asked for."""
    waiting: SequenceOf[Consent]
    """All sign-ups that wait for this person's press, oldest first."""
    announced: SequenceOf[Consent]
    """Those of them that the page, or else the mail, has shown."""
    typed: Mapping[Field, str]
    """What was typed into the owner's fields: the page shows it, and the press adopts it."""

    @property
    def upto(self) -> int:
        """The newest sign-up the page shows: its button does not agree to what is typed while it is open."""
        return max((one.id for one in self.waiting), default=self.consent.id)


def asked_for(session: Session, consent: Consent, now: datetime, upto: int | None = None) -> AskedFor:
    """What a press would bring. Without `upto`, sign-ups up to this one count: its mail has shown them."""
    return _asked(session, consent, _waiting(session, consent.subscriber, now), upto)


def open_link(session: Session, consent_id: int, now: datetime, upto: int | None = None) -> AskedFor | None:
    """Lock the person, and return what a press would bring; None if the sign-up is gone.

    Two presses, or two sign-ups confirmed at once, queue here: read nothing of them before this lock.
    """
    owner = select(Consent.subscriber_id).where(Consent.id == consent_id).scalar_subquery()
    whose = select(Subscriber).where(Subscriber.id == owner).with_for_update()
    subscriber = session.scalar(whose.execution_options(populate_existing=True))
    if subscriber is None:
        return None
    waiting = _waiting(session, subscriber, now)
    consent = next((one for one in waiting if one.id == consent_id), None)
    consent = consent or session.get(Consent, consent_id, populate_existing=True)
    return _asked(session, consent, waiting, upto) if consent else None


def _waiting(session: Session, subscriber: Subscriber, now: datetime) -> list[Consent]:
    return open_consents(session, subscriber, now - timedelta(days=LINK_DAYS))


def _asked(session: Session, consent: Consent, waiting: list[Consent], upto: int | None) -> AskedFor:
    subscriber = consent.subscriber
    announced = [one for one in waiting if one.id <= (consent.id if upto is None else upto)]
    guide = guide_named(session, consent.guide)
    form = session.get(Form, consent.form_id) if consent.form_id else None
    own = series_of_form(session, form, guide)
    series = [*(series_of(session, guide) if guide else ()), *([own] if own else ())]
    topics = consent_topics(session, announced)
    takes_it = subscriber.newsletter and not (topics and topics.widens(topic_choice(session, subscriber)))
    return AskedFor(
        consent=consent, guide=guide, form=form, series=series, waiting=waiting,
        articles=sum(sequences.steps_ahead(session, subscriber, one) for one in series),
        newsletter=topics is not None and not takes_it, topics=topics or EVERY_TOPIC,
        announced=announced, typed=typed_values(session, [one.id for one in announced]),
    )  # fmt: skip
