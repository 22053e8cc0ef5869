"""Finds what uses one of the owner's fields, before it is deleted: no mail may get stuck for lack of it."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from newsletter import forms
from newsletter.articles import Article, Revision
from newsletter.campaigns import ABTest, Campaign, CampaignState, of_open_test
from newsletter.figures import figure
from newsletter.forms import Form
from newsletter.mail.ledger import OPEN, Dispatch, Message
from newsletter.subscribers import OWN, Field, FieldValue
from newsletter.subscribers.segments import SavedSegment, What, naming


@dataclass(frozen=True, slots=True)
class FieldUses:
    """Everything that uses a field."""

    people: int
    """How many people have a value in it."""
    articles: list[Article]
    """Articles whose text names it, and which could not be mailed without it."""
    campaigns: list[Campaign]
    """Campaigns whose text names it, while going out, paused or in an open A/B test; and A of a planned test whose B
    names it in its subject or preheader."""
    mails: int
    """How many single mails that name it wait to be sent: those of series, and retries."""
    forms: list[Form]
    segments: list[SavedSegment]
    """Segments whose rules use it, and which would be empty without it."""

    @property
    def is_free(self) -> bool:
        """Whether it may be deleted. Forms do not matter: they simply stop asking for it."""
        return not (self.articles or self.campaigns or self.mails or self.segments)


def field_uses(session: Session, field: Field) -> FieldUses:
    """Everything that uses this field now."""
    newest = select(func.max(Revision.id)).group_by(Revision.article_id)
    sending = select(Dispatch.revision_id).join(Campaign, Campaign.dispatch_id == Dispatch.id).where(_GOING_OUT)
    waiting = select(Message.revision_id).where(*_WAITING)
    in_articles = _naming(session, field, newest)
    on_the_way = _naming(session, field, sending)
    campaigns = [*_campaigns(session, on_the_way), *_tests(session, field)]
    return FieldUses(
        people=session.scalar(select(func.count()).where(FieldValue.field_id == field.id)) or 0,
        articles=_articles(session, in_articles), campaigns=campaigns,
        mails=_mails(session, _naming(session, field, waiting)), forms=forms.asking(session, field.key),
        segments=naming(session, What.FIELD, field.key),
    )  # fmt: skip


def values_held(session: Session) -> dict[int, int]:
    """Number of people with a value, by field id."""
    look = select(FieldValue.field_id, func.count()).group_by(FieldValue.field_id)
    return figure(session, ("values held",), lambda it: dict(it.execute(look).all()))


_GOING_OUT = or_(Campaign.stored_state == CampaignState.SENDING, of_open_test())
_WAITING = (Message.state.in_(OPEN), Message.due_at.is_not(None))


def _naming(session: Session, field: Field, among: Select[Any]) -> set[int]:
    """Those of these revisions that name the field, but not one whose key merely starts with the same letters."""
    words = (Revision.subject, Revision.preheader, Revision.body)
    holds = or_(*(text.contains(f"{OWN}{field.key}", autoescape=True) for text in words))
    rows = session.execute(select(Revision.id, *words).where(Revision.id.in_(among), holds))
    return {id for id, *texts in rows if any(map(_named(field).search, texts))}


def _named(field: Field) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){re.escape(OWN)}{re.escape(field.key)}(?!\w)")


def _tests(session: Session, field: Field) -> list[Campaign]:
    """A of each test that has not begun and whose B names the field in its own subject or preheader."""
    new = (CampaignState.DRAFT, CampaignState.SCHEDULED)
    look = select(ABTest).join(Campaign, Campaign.id == ABTest.a_id).where(Campaign.stored_state.in_(new))
    return [one.a for one in session.scalars(look) if any(map(_named(field).search, (one.subject, one.preheader)))]


def _articles(session: Session, revisions: set[int]) -> list[Article]:
    look = select(Article).join(Revision, Revision.article_id == Article.id).where(Revision.id.in_(revisions))
    return list(session.scalars(look.order_by(Article.id)))


def _campaigns(session: Session, revisions: set[int]) -> list[Campaign]:
    look = select(Campaign).join(Dispatch, Dispatch.id == Campaign.dispatch_id)
    return list(session.scalars(look.where(_GOING_OUT, Dispatch.revision_id.in_(revisions)).order_by(Campaign.id)))


def _mails(session: Session, revisions: set[int]) -> int:
    return session.scalar(select(func.count()).where(*_WAITING, Message.revision_id.in_(revisions))) or 0
