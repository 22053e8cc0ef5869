"""The funnel: from a form that was seen to a reader who stays, in numbers, for each form and each page it stands on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from newsletter.figures import figure
from newsletter.forms import Form, View, every
from newsletter.guides import Guide, GuideRequest
from newsletter.mail.ledger import ACCEPTED, Message
from newsletter.subscribers import Consent, Stream

STAYED = 3
"""Mails of a series: who has been sent so many has read on."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many came how far. All but `seen` are people who signed up in the time that is looked at, once each."""

    seen: int = 0
    """Times that the form came into view, where a script could tell us."""
    submitted: int = 0
    confirmed: int = 0
    fetched: int = 0
    """They downloaded the guide that they asked for; 0 where the form gives none."""
    stayed: int = 0
    """They were sent `STAYED` mails of a series after it: none had left or bounced before."""


def of_forms(session: Session, since: datetime | None) -> list[tuple[Form, Funnel]]:
    """Every form, those that are archived too, by what came of it since then; None: ever."""
    found = _funnels(session, since, Consent.form_id, View.form_id)
    return [(form, found.get(form.id, Funnel())) for form in every(session)]


def of_pages(session: Session, form: Form, since: datetime | None) -> list[tuple[str, Funnel]]:
    """The pages on which one form stands, those first where most signed up."""
    found = _funnels(session, since, Consent.page, View.page, form_id=form.id)
    return sorted(found.items(), key=lambda one: (-one[1].submitted, -one[1].seen, one[0]))


def _funnels(session: Session, since: datetime | None, by: InstrumentedAttribute[Any],
             seen_by: InstrumentedAttribute[Any], form_id: int | None = None) -> dict[Any, Funnel]:  # fmt: skip
    key = ("funnel", since.date() if since else None, by.key, form_id)
    rows = figure(session, key, lambda it: [tuple(row) for row in it.execute(_people(since, by, form_id))])
    people = {of: numbers for of, *numbers in rows}
    seen: dict[Any, int] = dict(session.execute(_views(since, seen_by, form_id)).all())
    return {of: Funnel(seen.get(of, 0), *people.get(of, ())) for of in people.keys() | seen.keys()}


def _views(since: datetime | None, by: InstrumentedAttribute[Any], form_id: int | None) -> Select[Any]:
    those: list[ColumnElement[bool]] = [View.day >= since.date()] if since else []
    those += [View.form_id == form_id] if form_id else []
    return select(by, func.sum(View.times)).where(*those).group_by(by)


def _people(since: datetime | None, by: InstrumentedAttribute[Any], form_id: int | None) -> Select[Any]:
    """For each form or page: people who submitted, confirmed, fetched and stayed."""
    those = [Consent.form_id.is_not(None) if form_id is None else Consent.form_id == form_id]
    those += [Consent.given_at >= since] if since else []
    fetched = (
        select(literal(1))
        .select_from(GuideRequest)
        .join(Guide, Guide.id == GuideRequest.guide_id)
        .where(GuideRequest.subscriber_id == Consent.subscriber_id, Guide.slug == Consent.guide,
               GuideRequest.fetched_at >= Consent.given_at)
        .correlate(Consent).exists()
    )  # fmt: skip
    mails = (
        select(func.count())
        .select_from(Message)
        .where(Message.subscriber_id == Consent.subscriber_id, Message.stream == Stream.STEP,
               Message.state.in_(ACCEPTED), Message.created_at >= Consent.given_at)
        .correlate(Consent).scalar_subquery()
    )  # fmt: skip
    proven = Consent.confirmed_at.is_not(None)
    steps = (literal(value=True), proven, and_(proven, fetched), and_(proven, mails >= STAYED))
    return select(by, *(_count(step) for step in steps)).where(*those).group_by(by)


def _count(step: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((step, Consent.subscriber_id)).distinct())
