"""What the press of the button behind a mail's link would bring, read once: the page tells it, the press does it."""

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
    """What a press on the link of this sign-up would bring."""

    consent: Consent
    guide: Guide | None
    form: Form | None
    """Where it was typed, as long as that is not deleted."""
    series: SequenceOf[Sequence]
    """What comes with the guide (one that is off begins when it is switched on), and behind it the form's own."""
    articles: int
    """How many of them are ahead of this person, in the series that send already."""
    newsletter: bool
    """Whether it was asked for in any sign-up that waits for its press, and is not what this person takes anyway."""
    topics: TopicChoice
    """The topics of it that were asked for."""
    waiting: SequenceOf[Consent]
    """All that waits for a press of this person, the oldest first."""
    told: SequenceOf[Consent]
    """Those of them that the page, or else the mail, has told of."""
    typed: Mapping[Field, str]
    """What these forms' senders typed into the owner's fields: the page shows it, and the press takes it over."""

    @property
    def upto(self) -> int:
        """The newest sign-up that the page tells of: what is typed while it is open is not agreed to by its button."""
        return max((one.id for one in self.waiting), default=self.consent.id)


def asked_for(session: Session, consent: Consent, now: datetime, upto: int | None = None) -> AskedFor:
    """Read what a press would bring. Without `upto` sign-ups up to this one count, which its mail has told of."""
    return _asked(session, consent, _waiting(session, consent.subscriber, now), upto)


def open_link(session: Session, consent_id: int, now: datetime, upto: int | None = None) -> AskedFor | None:
    """Keep the person to this transaction, and read what a press would bring. None: the sign-up is gone.

    Two presses, and two sign-ups confirmed at once, queue here: nothing may be read of them before.
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
    told = [one for one in waiting if one.id <= (consent.id if upto is None else upto)]
    guide = guide_named(session, consent.guide)
    form = session.get(Form, consent.form_id) if consent.form_id else None
    own = series_of_form(session, form, guide)
    series = [*(series_of(session, guide) if guide else ()), *([own] if own else ())]
    topics = consent_topics(session, told)
    takes_it = subscriber.newsletter and not (topics and topics.widens(topic_choice(session, subscriber)))
    return AskedFor(
        consent=consent, guide=guide, form=form, series=series, waiting=waiting,
        articles=sum(sequences.steps_ahead(session, subscriber, one) for one in series),
        newsletter=topics is not None and not takes_it, topics=topics or EVERY_TOPIC,
        told=told, typed=typed_values(session, [one.id for one in told]),
    )  # fmt: skip
