"""What uses a field of the owner's: asked before it is deleted, so that no mail stands still for want of it."""

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
    """Who and what has to do with a field."""

    people: int
    """How many have a value in it."""
    articles: list[Article]
    """Those whose words name it. They could be no mail without it."""
    campaigns: list[Campaign]
    """Those that go out, or are paused, or may still win an A/B test, with words that name it, and tests to come of a
    subject that does."""
    mails: int
    """How many mails that name it wait by themselves: of series, or for another try."""
    forms: list[Form]
    segments: list[SavedSegment]
    """Those whose rules ask for it. They would be nobody without it."""

    @property
    def is_free(self) -> bool:
        """Whether it may be deleted: forms stop asking for it by themselves."""
        return not (self.articles or self.campaigns or self.mails or self.segments)


def field_uses(session: Session, field: Field) -> FieldUses:
    """What uses this field now."""
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
    """How many people have a value, by the field's number."""
    look = select(FieldValue.field_id, func.count()).group_by(FieldValue.field_id)
    return figure(session, ("values held",), lambda it: dict(it.execute(look).all()))


_GOING_OUT = or_(Campaign.stored_state == CampaignState.SENDING, of_open_test())
_WAITING = (Message.state.in_(OPEN), Message.due_at.is_not(None))


def _naming(session: Session, field: Field, among: Select[Any]) -> set[int]:
    """Which of these revisions name the field, and not one whose key only begins like it."""
    words = (Revision.subject, Revision.preheader, Revision.body)
    holds = or_(*(text.contains(f"{OWN}{field.key}", autoescape=True) for text in words))
    rows = session.execute(select(Revision.id, *words).where(Revision.id.in_(among), holds))
    return {id for id, *texts in rows if any(map(_named(field).search, texts))}


def _named(field: Field) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){re.escape(OWN)}{re.escape(field.key)}(?!\w)")


def _tests(session: Session, field: Field) -> list[Campaign]:
    """The A of tests that have not begun, whose B names it in a line of its own."""
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
