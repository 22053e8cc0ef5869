"""Gives a guide when it is asked for, and starts its series when the reader says so."""

from collections.abc import Iterable
from collections.abc import Sequence as SequenceOf
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from newsletter import brand, guides, sequences
from newsletter.db import lock
from newsletter.events import EventKind, Press, note
from newsletter.forms import Form
from newsletter.guides import Files, Guide
from newsletter.languages import marked
from newsletter.sequences import Sequence, Step
from newsletter.subscribers import (
    Basis,
    Consent,
    Stream,
    Subscriber,
    SubscriberTag,
    consent_topics,
    open_consents,
    tag_ids,
    topic_choice,
)
from newsletter.wordings import wording_id

OFFERED = marked("Sent by the owner; nobody has agreed to anything.")
LINK_DAYS = 30
"""Days a confirmation link works; unconfirmed sign-ups are deleted after as many."""


class House(Protocol):
    """What this package needs of the installation; Runtime is one."""

    @property
    def guides(self) -> Files:
        """The files of the guides' PDFs."""

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """The secret key, followed by retired ones."""

    @property
    def sign_ups_per_domain(self) -> int:
        """Unproven addresses per domain that may be mailed in a day; 0: any number."""


def request_guide(session: Session, house: House, subscriber: Subscriber, guide: Guide, press: Press,
                  now: datetime, *, series: bool = False) -> bool:  # fmt: skip
    """Send a guide that a reader asks for on their library page; with `series`, start what comes with it.

    Return False for a double click, or if they asked too often today.
    """
    lock(session, subscriber)
    if not subscriber.may_receive(Stream.GUIDE) or guides.recently_asked(session, subscriber, guide, now):
        return False
    session.add(
        Consent(subscriber_id=subscriber.id, guide=guide.slug, wording_id=wording_id(session, press.words),
                page=press.page, form="library", given_at=now, confirmed_at=now, basis=Basis.PAGE)
    )  # fmt: skip
    started = series and start_series(session, subscriber, series_of(session, guide), press, now)
    guides.send(session, subscriber, guide, house.guides, now, {"series": bool(started)})
    return True


def offer_guide(session: Session, house: House, subscriber: Subscriber, guide: Guide, now: datetime, *,
                new_edition: bool = False) -> bool:  # fmt: skip
    """Send a guide on the owner's behalf, or its `new_edition` to somebody with an earlier one. It starts nothing.

    Its mail asks whether what comes with it is wanted too.

    Return False for a double click, or if it was sent too often today.
    """
    lock(session, subscriber)
    if not subscriber.may_receive(Stream.GUIDE) or guides.recently_asked(session, subscriber, guide, now):
        return False
    consent = Consent(
        subscriber_id=subscriber.id, guide=guide.slug, wording_id=wording_id(session, OFFERED),
        form="owner", given_at=now,
    )  # fmt: skip
    session.add(consent)
    session.flush()
    why = {"by_owner": True} | ({"new_edition": True} if new_edition else {})
    guides.send(session, subscriber, guide, house.guides, now, offer(session, subscriber, consent, guide) | why)
    return True


def offer(session: Session, subscriber: Subscriber, consent: Consent, guide: Guide) -> dict[str, Any]:
    """What a guide's mail asks about: the series that comes with it, and the newsletter if it was ticked."""
    until = consent.given_at + timedelta(days=LINK_DAYS)
    waiting = open_consents(session, subscriber, consent.given_at - timedelta(days=LINK_DAYS))
    return {
        "series": False,
        "consent": consent.id,
        "until": int(until.timestamp()),
        "articles": articles_brought(session, consent, guide),
        "newsletter": asks_for_more(session, subscriber, waiting),
    }


def asks_for_more(session: Session, subscriber: Subscriber, waiting: Iterable[Consent]) -> bool:
    """Whether these sign-ups ask for the newsletter, or topics of it, that this person does not take yet."""
    topics = consent_topics(session, waiting)
    return topics is not None and (not subscriber.newsletter or topics.widens(topic_choice(session, subscriber)))


def start_series(session: Session, subscriber: Subscriber, every: Iterable[Sequence], press: Press,
                 now: datetime) -> int:  # fmt: skip
    """Start the series that come with a guide, as the reader has just agreed; return how many of them are live."""
    # One that is off begins when it is switched on: nothing is promised until then.
    return sum(one.live for one in every if start(session, subscriber, one, press, now))


def start(session: Session, subscriber: Subscriber, sequence: Sequence, press: Press, now: datetime) -> bool:
    """Start one series, or resume it where it was stopped; return whether that was possible."""
    started = sequences.enroll(session, subscriber, sequence, brand.current(session).zone, now)
    if started is None:
        return False
    kind = EventKind.SERIES_RESUMED if started.resumes else EventKind.SERIES_STARTED
    note(session, subscriber.id, kind, press, now, sequence_id=sequence.id)
    return True


def series_of(session: Session, guide: Guide) -> SequenceOf[Sequence]:
    """The sequences a guide starts, with their steps; those that are off too, if they have ever been on."""
    has_begun = Sequence.live | Sequence.paused_at.is_not(None)  # one never announced enrols nobody
    every = select(Sequence).where(Sequence.guide_slug == guide.slug, has_begun).order_by(Sequence.id)
    return session.scalars(every.options(selectinload(Sequence.steps))).all()


def articles_after(session: Session, slugs: Iterable[str]) -> dict[str, int]:
    """How many articles follow each of these guides, as its form promises."""
    wanted = list(slugs)
    if not wanted:
        return {}
    steps = select(Sequence.guide_slug, func.count()).select_from(Step).join(Sequence, Step.sequence_id == Sequence.id)
    live = steps.where(Sequence.guide_slug.in_(wanted), Sequence.live, Step.deleted_at.is_(None))
    counted = session.execute(live.group_by(Sequence.guide_slug))
    return dict.fromkeys(wanted, 0) | {slug: many for slug, many in counted if slug is not None}


def articles_ahead(session: Session, subscriber: Subscriber, guide: Guide) -> int:
    """How many articles a "yes" to this guide's series would bring this person."""
    return sum(sequences.steps_ahead(session, subscriber, one) for one in series_of(session, guide))


def series_of_form(session: Session, form: Form | None, guide: Guide | None) -> Sequence | None:
    """The live series that a form starts besides those of its guide."""
    found = session.get(Sequence, form.sequence_id) if form is not None and form.sequence_id else None
    if found is None or not found.live or (guide is not None and found.guide_slug == guide.slug):
        return None
    return found


def articles_promised(session: Session, boxes: SequenceOf[tuple[Form, Guide | None]]) -> list[int]:
    """How many articles follow a sign-up by each of these forms and its guide, as the form promises."""
    after = articles_after(session, {guide.slug for _, guide in boxes if guide})
    own = [series_of_form(session, form, guide) for form, guide in boxes]
    return [
        (after[guide.slug] if guide else 0) + (len(series.current_steps) if series else 0)
        for (_, guide), series in zip(boxes, own, strict=True)
    ]


def articles_brought(session: Session, consent: Consent, guide: Guide | None) -> int:
    """How many articles a "yes" to this consent would bring its person."""
    form = session.get(Form, consent.form_id) if consent.form_id else None
    own = series_of_form(session, form, guide)
    ahead = articles_ahead(session, consent.subscriber, guide) if guide else 0
    return ahead + (sequences.steps_ahead(session, consent.subscriber, own) if own else 0)


def give_tags(session: Session, subscriber: Subscriber, form: Form | None) -> None:
    """Give a subscriber the tags of the form they signed up by."""
    for id in tag_ids(session, form.tags if form else []).values():
        session.merge(SubscriberTag(subscriber_id=subscriber.id, tag_id=id))


def guide_named(session: Session, slug: str | None) -> Guide | None:
    """The guide with this slug, if any."""
    return session.scalar(select(Guide).where(Guide.slug == slug)) if slug else None
